/** `blockdev-mirror`. */
import type { Values } from '../../block/option.ts'
import { chainNext, skipImplicit } from '../../graph/chain.ts'
import type { GraphNode } from '../../graph/graph.ts'
import { mirror, ON_COMPLETE, type TargetBacking } from '../../jobs/mirror/mirror.ts'
import { startMirror } from '../../jobs/mirror/start.ts'
import { BlockError } from '../../util/errors.ts'
import { defineCommand } from '../command.ts'
import { makeTarget, openTarget, shownBelow, sourceLength, targetAbout } from '../new-target.ts'
import type { EngineParts } from '../parts.ts'
import { jobOptions } from '../schema/jobs.ts'
import { BLOCKDEV_MIRROR, DRIVE_MIRROR } from '../schema/mirror.ts'

/** What both commands are told. */
type Given = Omit<Values<typeof BLOCKDEV_MIRROR>, 'device' | 'target' | 'filter-node-name'> & {
  readonly 'filter-node-name'?: string | undefined
}

const blockdevMirror = defineCommand({
  name: 'blockdev-mirror',
  unless: 'successors',
  doc: 'Copies a node to another one and keeps both in step, which may then take its place.',
  args: BLOCKDEV_MIRROR,
  async run({ engine }, args) {
    const { source, target } = mirrorNodes(engine, args)
    await engine.graph.moveHome(target, source.home)
    await start(engine, args, {
      source,
      target,
      targetBacking: 'leave',
      zeroTarget: args.sync === 'full',
      unmap: true,
    })
  },
})

const driveMirror = defineCommand({
  name: 'drive-mirror',
  when: 'legacyCommands',
  unless: 'successors',
  doc: 'The same with an image that is made for it, unless it is there already.',
  args: DRIVE_MIRROR,
  async run({ engine }, args) {
    const { graph } = engine
    const source = graph.findDeviceOrNode(args.device)
    graph.checkRoot(source)
    graph.checkOperation(source, 'mirror-source')
    const below = shownBelow(source)
    const sync = args.sync === 'top' && below === undefined ? 'full' : args.sync
    const bytes = sourceLength(source)
    const name = args['node-name']
    if (args.replaces !== undefined && name === undefined) {
      throw new BlockError('a node-name must be provided when replacing a named node of the graph')
    }
    const about = targetAbout(source, args)
    const backing = sync === 'full' ? undefined : sync === 'none' ? source : below
    await makeTarget(about, { graph, changes: graph, bytes, backing })
    const target = await openTarget(about, graph, { name, noBacking: true })
    try {
      await start(
        engine,
        { ...args, sync },
        {
          source,
          target: target.node,
          targetBacking: about.isMade ? 'source' : 'open',
          zeroTarget: sync === 'full' && !(about.isMade && startsZeroed(target.node)),
          unmap: args.unmap,
        },
      )
    } finally {
      await target.release()
    }
  },
})

/** Of a node above an image that was made just now. */
function startsZeroed({ driver, primaryChild }: GraphNode): boolean {
  if (!driver.imageIsFile) return driver.startsZeroed
  return primaryChild !== undefined && startsZeroed(primaryChild)
}

interface Disks {
  readonly source: GraphNode
  readonly target: GraphNode
  readonly targetBacking: TargetBacking
  readonly zeroTarget: boolean
  readonly unmap: boolean
}

/** The nodes that `blockdev-mirror` names. @throws {BlockError} */
export function mirrorNodes(
  { graph }: EngineParts,
  args: Pick<Values<typeof BLOCKDEV_MIRROR>, 'device' | 'target'>,
): Pick<Disks, 'source' | 'target'> {
  const source = graph.findDeviceOrNode(args.device)
  graph.checkRoot(source)
  return { source, target: graph.findDeviceOrNode(args.target) }
}

/** @returns what is copied and replaced, as far as that follows. @throws {BlockError} */
export function checkMirror(
  engine: EngineParts,
  args: Given,
  { source, target }: { readonly source: GraphNode; readonly target?: GraphNode },
): { readonly sync: 'full' | 'top' | 'none'; readonly replaces: string | undefined } {
  const { graph } = engine
  checkGranularity(args.granularity)
  graph.checkOperation(source, 'mirror-source')
  if (target !== undefined) graph.checkOperation(target, 'mirror-target')
  const sync = chainNext(source) === undefined && args.sync === 'top' ? 'full' : args.sync
  const replaces = args.replaces ?? nameUnder(source)
  if (replaces !== undefined) checkReplaced(engine, source, replaces)
  if (sync === 'incremental' || sync === 'bitmap') {
    throw new BlockError(`Sync mode '${sync}' not supported`)
  }
  return { sync, replaces }
}

async function start(engine: EngineParts, args: Given, disks: Disks): Promise<void> {
  const { graph, jobs, services } = engine
  const { sync, replaces } = checkMirror(engine, args, disks)
  const about = {
    ...disks,
    base: sync === 'top' ? chainNext(disks.source) : undefined,
    nothingFirst: sync === 'none',
    replaces,
    rules: engine.profile,
    ending: ON_COMPLETE,
    granularity: args.granularity === 0 ? undefined : args.granularity,
    bufferBytes: args['buf-size'],
    writeBlocking: args['copy-mode'] === 'write-blocking',
    onSourceError: args['on-source-error'],
    onTargetError: args['on-target-error'],
    filterName: args['filter-node-name'],
    log: (line: string) => services.log(line),
  }
  await startMirror({ graph, jobs }, mirror, about, jobOptions(args))
}

/** Filters that nobody asked for stay where they are, above the target. */
function nameUnder(source: GraphNode): string | undefined {
  const shown = skipImplicit(source)
  return shown === source ? undefined : shown.name
}

const MIN_GRANULARITY = 512
const MAX_GRANULARITY = 64 << 20

/** @throws {BlockError} for what no bitmap can have. */
export function checkGranularity(bytes = 0): void {
  if (bytes === 0) return
  if (bytes < MIN_GRANULARITY || bytes > MAX_GRANULARITY) {
    throw new BlockError("Parameter 'granularity' expects a value in range [512B, 64MB]")
  }
  if (!Number.isInteger(Math.log2(bytes))) {
    throw new BlockError("Parameter 'granularity' expects a power of 2")
  }
}

/** @throws {BlockError} where it may not be replaced. */
export function checkReplaced(
  { graph, profile }: EngineParts,
  source: GraphNode,
  name: string,
): void {
  const replaced = graph.find(name)
  const isChecked = profile['mirror.checkReplace']
  if (isChecked) graph.checkOperation(replaced, 'replace')
  if (isChecked && !graph.canReplace(source, replaced)) {
    throw new BlockError(
      `Cannot replace '${name}' by a node mirrored from '${source.name}', because it cannot be ` +
        'guaranteed that doing so would not lead to an abrupt change of visible data',
    )
  }
  if (source.length() !== replaced.length()) {
    throw new BlockError('cannot replace image with a mirror image of different size')
  }
}

export const MIRROR_COMMANDS = [blockdevMirror, driveMirror] as const
