/** `blockdev-copy`: backups, mirrors and commits as one command. */
import type { Values } from '../../block/option.ts'
import { chainContains, chainNext, overlayAbove } from '../../graph/chain.ts'
import type { GraphChanges, GraphNode } from '../../graph/graph.ts'
import { backup, copyBefore } from '../../jobs/backup.ts'
import { activeCommit, copy, mirror, type Ending } from '../../jobs/mirror/mirror.ts'
import { startMirror } from '../../jobs/mirror/start.ts'
import { assert } from '../../util/assert.ts'
import { BlockError } from '../../util/errors.ts'
import { runActions, type ActionScope, type PreparedAction } from '../actions.ts'
import { defineCommand } from '../command.ts'
import { bringImage, type BroughtImage } from '../new-target.ts'
import type { EngineParts } from '../parts.ts'
import { BLOCKDEV_COPY } from '../schema/copy.ts'
import { jobOptions } from '../schema/jobs.ts'
import { DEFAULT_WORKERS, prepareBackupJob } from './backup.ts'
import { checkGranularity, checkReplaced } from './mirror.ts'

type Given = Values<typeof BLOCKDEV_COPY>

/** What may be left out, with the defaults of the command. */
type Options = {
  readonly [Name in Exclude<keyof Given, 'source' | 'target' | 'sync'>]?: Given[Name] | undefined
}

/** A copy, however a client has asked for it. */
export interface CopyRequest extends Options {
  /** As what the job is known: by the command that began it. */
  readonly as: 'copy' | 'mirror' | 'commit' | 'backup'
  readonly source: GraphNode
  /** An image is made, or opened, for the copy, and closed after it unless it takes a place. */
  readonly target: GraphNode | BroughtImage
  readonly sync: Given['sync']
  /** Bytes per second; 0, the default, for no limit. */
  readonly speed?: number | undefined
  /** For what was there before: written in compressed clusters. */
  readonly compress?: boolean | undefined
  /** For what was there before: requests at the same time. */
  readonly workers?: number | undefined
  /** For what was there before: bytes of a request, 0 for no limit. */
  readonly maxChunk?: number | undefined
  /** For what is there: what reads as zeroes may free storage of the target; default true. */
  readonly unmap?: boolean | undefined
  /** For what is: the source shows through the target once that has taken its place. */
  readonly endsOverSource?: boolean | undefined
}

/** The same with its target open. */
interface OpenCopy extends CopyRequest {
  readonly target: GraphNode
}

export const blockdevCopy = defineCommand({
  name: 'blockdev-copy',
  when: 'successors',
  doc: 'Copies a node to another one, which may then take its place.',
  args: BLOCKDEV_COPY,
  run({ engine }, given) {
    const { graph } = engine
    const nodes = { source: graph.find(given.source), target: graph.find(given.target) }
    return startCopy(engine, { ...given, ...nodes, as: 'copy' })
  },
})

/** Begins the job of a copy. @throws {BlockError} with all as before. */
export async function startCopy(engine: EngineParts, request: CopyRequest): Promise<void> {
  switch (request['copy-mode']) {
    case 'before-write/passive':
      throw new BlockError(
        "copy-mode 'before-write/passive' is impossible: what is about to be overwritten must be " +
          'copied first',
      )
    case 'before-write/active':
      await runActions(engine, [(scope) => prepareCopy(engine, request, scope)])
      return
    default:
      await withTarget(engine, engine.graph, request, (open) => copyWhatIs(engine, open))
  }
}

/** Whatever becomes of the copy, an image that was made for it stays. */
async function withTarget<T>(
  { graph }: EngineParts,
  changes: GraphChanges,
  request: CopyRequest,
  work: (request: OpenCopy) => Promise<T>,
): Promise<T> {
  const { target } = request
  if (!('isMade' in target)) return work({ ...request, target })
  const image = await bringImage(graph, changes, target)
  try {
    return await work({ ...request, target: image.node })
  } finally {
    await image.release()
  }
}

const KINDS_BEFORE = { copy: copyBefore, backup } as const
const KINDS_AFTER = { copy, mirror, commit: activeCommit } as const

/**
 * As an action: the target has, in the end, what the source had in the beginning, and so cannot take
 * its place.
 */
export async function prepareCopy(
  engine: EngineParts,
  request: CopyRequest,
  scope: ActionScope,
): Promise<PreparedAction> {
  const { source, as } = request
  refuse(request, "copy-mode 'before-write/active'", {
    replace: request.replace === true,
    replaces: request.replaces !== undefined,
    'backing-file': request['backing-file'] !== undefined,
    'auto-complete': request['auto-complete'] === false,
    granularity: request.granularity !== undefined,
    'buf-size': request['buf-size'] !== undefined,
  })
  assert(as === 'copy' || as === 'backup', 'only backups copy what was before')
  await scope.drain(source)
  return withTarget(engine, scope.graph, request, ({ target }) =>
    prepareBackupJob(engine, scope, {
      source,
      target,
      kind: KINDS_BEFORE[as],
      ...jobOptions(request),
      group: scope.group,
      sync: request.sync,
      bitmap: request.bitmap,
      bitmapMode: request['bitmap-mode'],
      compress: request.compress ?? false,
      filterName: request['filter-node-name'],
      workers: request.workers ?? DEFAULT_WORKERS,
      maxChunk: request.maxChunk ?? 0,
      policies: {
        read: request['on-source-error'] ?? 'report',
        write: request['on-target-error'] ?? 'report',
      },
    }),
  )
}

/** The target has what the source has, and may take its place, or that of any other node. */
async function copyWhatIs(engine: EngineParts, request: OpenCopy): Promise<void> {
  const { graph, jobs, services } = engine
  const { source, target, as, replace = true, replaces } = request
  refuse(request, "copy-mode 'after-write'", {
    bitmap: request.bitmap !== undefined,
    'bitmap-mode': request['bitmap-mode'] !== undefined,
    sync: request.sync === 'incremental' || request.sync === 'bitmap',
  })
  refuse(request, "'replace': false", {
    replaces: !replace && replaces !== undefined,
    'backing-file': !replace && request['backing-file'] !== undefined,
  })
  assert(as !== 'backup', 'backups copy what was before')
  checkGranularity(request.granularity)
  const isBelow = chainContains(source, target)
  // A backing image may be copied, unlike by a mirror: its overlays are looked after.
  graph.checkOperation(source, 'commit-target')
  graph.checkOperation(target, isBelow ? 'commit-target' : 'mirror-target')
  if (replaces !== undefined) checkReplaced(engine, source, replaces)
  const ending: Ending = {
    replace,
    autoComplete: request['auto-complete'] ?? false,
    headers: { backingFile: request['backing-file'] },
    // What a backing image is copied into does not become the active layer.
    leavesReadOnly:
      isBelow && target.flags.readOnly && overlayAbove(graph.nodes(), source) !== undefined,
  }
  const wasReadOnly = isBelow && target.flags.readOnly
  if (wasReadOnly) await graph.setReadOnly(target, false)
  try {
    await startMirror(
      { graph, jobs },
      KINDS_AFTER[as],
      {
        source,
        target,
        base: isBelow ? target : request.sync === 'top' ? chainNext(source) : undefined,
        nothingFirst: request.sync === 'none',
        zeroTarget: !isBelow && request.sync === 'full',
        targetBacking: request.endsOverSource === true ? 'source' : 'leave',
        replaces,
        rules: engine.profile,
        ending,
        granularity: request.granularity === 0 ? undefined : request.granularity,
        bufferBytes: request['buf-size'],
        unmap: request.unmap ?? true,
        writeBlocking: request['copy-mode'] === 'after-write/active',
        onSourceError: request['on-source-error'] ?? 'report',
        onTargetError: request['on-target-error'] ?? 'report',
        filterName: request['filter-node-name'],
        log: (line) => services.log(line),
      },
      jobOptions(request),
    )
  } catch (error) {
    if (wasReadOnly) await graph.setReadOnly(target, true)
    throw error
  }
}

/** @throws {BlockError} for the first member that was given and means nothing with the others. */
function refuse(
  request: CopyRequest,
  with_: string,
  members: Partial<Record<keyof CopyRequest, boolean>>,
): void {
  for (const [name, isGiven] of Object.entries(members)) {
    if (!isGiven) continue
    const value = JSON.stringify(request[name as keyof CopyRequest])
    throw new BlockError(`'${name}': ${value} is not possible with ${with_}`)
  }
}
