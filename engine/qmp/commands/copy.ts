/** `blockdev-copy`: backups, mirrors and commits as one command. */
import type { Values } from '../../block/option.ts'
import { chainContains, chainNext, overlayAbove, skipFilters } from '../../graph/chain.ts'
import type { GraphNode } from '../../graph/graph.ts'
import { copyBefore } from '../../jobs/backup.ts'
import { copy, type Ending } from '../../jobs/mirror/mirror.ts'
import { startMirror } from '../../jobs/mirror/start.ts'
import { BlockError } from '../../util/errors.ts'
import { runActions } from '../actions.ts'
import { defineCommand } from '../command.ts'
import type { EngineParts } from '../parts.ts'
import { BLOCKDEV_COPY } from '../schema/copy.ts'
import { jobOptions } from '../schema/jobs.ts'
import { DEFAULT_WORKERS, prepareBackupJob } from './backup.ts'
import { checkGranularity, checkReplaced } from './mirror.ts'

type Given = Values<typeof BLOCKDEV_COPY>

interface Nodes {
  readonly source: GraphNode
  readonly target: GraphNode
}

export const blockdevCopy = defineCommand({
  name: 'blockdev-copy',
  when: 'successors',
  doc: 'Copies a node to another one, which may then take its place.',
  args: BLOCKDEV_COPY,
  async run({ engine }, given) {
    const { graph } = engine
    const nodes = { source: graph.find(given.source), target: graph.find(given.target) }
    switch (given['copy-mode']) {
      case 'before-write/passive':
        throw new BlockError(
          "copy-mode 'before-write/passive' is impossible: what is about to be overwritten must be " +
            'copied first',
        )
      case 'before-write/active':
        await copyWhatWas(engine, nodes, given)
        return
      default:
        await copyWhatIs(engine, nodes, given)
    }
  },
})

/** The target has, in the end, what the source had in the beginning: it cannot take its place. */
async function copyWhatWas(engine: EngineParts, nodes: Nodes, given: Given): Promise<void> {
  refuse(given, "copy-mode 'before-write/active'", {
    replace: given.replace === true,
    replaces: given.replaces !== undefined,
    'backing-file': given['backing-file'] !== undefined,
    'auto-complete': given['auto-complete'] === false,
    granularity: given.granularity !== undefined,
    'buf-size': given['buf-size'] !== undefined,
  })
  await runActions(engine, [
    async (scope) => {
      await scope.drain(nodes.source)
      return prepareBackupJob(engine, scope, {
        ...nodes,
        kind: copyBefore,
        ...jobOptions(given),
        sync: given.sync,
        bitmap: given.bitmap,
        bitmapMode: given['bitmap-mode'],
        compress: false,
        filterName: given['filter-node-name'],
        workers: DEFAULT_WORKERS,
        maxChunk: 0,
        policies: { read: given['on-source-error'], write: given['on-target-error'] },
      })
    },
  ])
}

/** The target has what the source has, and may take its place, or that of any other node. */
async function copyWhatIs(engine: EngineParts, nodes: Nodes, given: Given): Promise<void> {
  const { graph, jobs, services } = engine
  const { source, target } = nodes
  const { replace = true, replaces } = given
  refuse(given, "copy-mode 'after-write'", {
    bitmap: given.bitmap !== undefined,
    'bitmap-mode': given['bitmap-mode'] !== undefined,
    sync: given.sync === 'incremental' || given.sync === 'bitmap',
  })
  refuse(given, "'replace': false", {
    replaces: !replace && replaces !== undefined,
    'backing-file': !replace && given['backing-file'] !== undefined,
  })
  checkGranularity(given.granularity)
  const isBelow = chainContains(source, target)
  if (isBelow && skipFilters(source) === skipFilters(target)) {
    throw new BlockError(`Node '${target.name}' has the very data of '${source.name}'`)
  }
  // A backing image may be copied, unlike by a mirror: its overlays are looked after.
  graph.checkOperation(source, 'commit-target')
  graph.checkOperation(target, isBelow ? 'commit-target' : 'mirror-target')
  if (replaces !== undefined) checkReplaced(engine, source, replaces)
  const ending: Ending = {
    replace,
    autoComplete: given['auto-complete'] ?? false,
    headers: { backingFile: given['backing-file'] },
    // What a backing image is copied into does not become the active layer.
    leavesReadOnly:
      isBelow && target.flags.readOnly && overlayAbove(graph.nodes(), source) !== undefined,
  }
  const wasReadOnly = isBelow && target.flags.readOnly
  if (wasReadOnly) await graph.setReadOnly(target, false)
  try {
    await startMirror(
      { graph, jobs },
      copy,
      {
        ...nodes,
        base: isBelow ? target : given.sync === 'top' ? chainNext(source) : undefined,
        nothingFirst: given.sync === 'none',
        zeroTarget: !isBelow && given.sync === 'full',
        targetBacking: 'leave',
        replaces,
        rules: engine.profile,
        ending,
        granularity: given.granularity === 0 ? undefined : given.granularity,
        bufferBytes: given['buf-size'],
        unmap: true,
        writeBlocking: given['copy-mode'] === 'after-write/active',
        onSourceError: given['on-source-error'],
        onTargetError: given['on-target-error'],
        filterName: given['filter-node-name'],
        log: (line) => services.log(line),
      },
      jobOptions(given),
    )
  } catch (error) {
    if (wasReadOnly) await graph.setReadOnly(target, true)
    throw error
  }
}

/** @throws {BlockError} for the first member that was given and means nothing with the others. */
function refuse(given: Given, with_: string, members: Partial<Record<keyof Given, boolean>>): void {
  for (const [name, isGiven] of Object.entries(members)) {
    if (!isGiven) continue
    const value = JSON.stringify(given[name as keyof Given])
    throw new BlockError(`'${name}': ${value} is not possible with ${with_}`)
  }
}
