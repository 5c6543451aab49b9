/** What `backup` needs before there is a job: refusals in the order of 7.2, a bitmap, the filter. */
import type { DirtyBitmap } from '../bitmap/dirty-bitmap.ts'
import { bitmapOf, freezeBitmap } from '../bitmap/dirty-bitmaps.ts'
import { chainNext } from '../graph/chain.ts'
import type { Graph, GraphChanges, GraphNode } from '../graph/graph.ts'
import { BlockError } from '../util/errors.ts'
import { assert } from '../util/assert.ts'
import { backup, type BackupArgs, type BitmapMode } from './backup.ts'
import type { JobKind } from './kind.ts'
import type { ErrorPolicy } from './on-error.ts'
import type { JobOptions, Jobs, PreparedJob } from './registry.ts'

/** What to copy, as clients say it. `incremental` is a `bitmap` that follows on success. */
export type BackupSync = BackupArgs['sync'] | 'incremental'

export interface BackupAbout extends JobOptions {
  /** Under which name; a backup unless said otherwise. */
  readonly kind?: JobKind<BackupArgs>
  readonly source: GraphNode
  readonly target: GraphNode
  readonly sync: BackupSync
  readonly bitmap: string | undefined
  readonly bitmapMode: BitmapMode | undefined
  readonly compress: boolean
  readonly filterName: string | undefined
  readonly workers: number
  /** Bytes, 0 for no limit. */
  readonly maxChunk: number
  readonly policies: BackupArgs['policies'] & { readonly read: ErrorPolicy }
}

export interface BackupParts {
  readonly graph: Graph
  readonly jobs: Jobs
  /** The changes of whoever holds the source drained; of anybody once it does no longer. */
  readonly changes: () => GraphChanges
}

const MAX_WORKERS = 2 ** 31 - 1

/** The source must be drained. @throws {BlockError} with all as before. */
export async function prepareBackup(parts: BackupParts, about: BackupAbout): Promise<PreparedJob> {
  const plan = planOf(parts.graph, about)
  checkNodes(parts.graph, about)
  checkRequests(about)
  // One that is to follow is written to in the end.
  if (plan.mode !== 'never') plan.bitmap?.checkUsable()
  const frozen = plan.bitmap && freezeBitmap(parts.graph.bitmapNode(about.source), plan.bitmap)
  try {
    if (about.source.length() !== about.target.length()) {
      throw new BlockError('Source and target image have different sizes')
    }
    const bitmap =
      frozen === undefined || plan.mode === undefined ? undefined : { frozen, mode: plan.mode }
    return await withFilter(parts, about, { sync: plan.sync, bitmap })
  } catch (error) {
    frozen?.reclaim()
    throw error
  }
}

interface Plan {
  readonly sync: BackupArgs['sync']
  readonly bitmap?: DirtyBitmap | undefined
  readonly mode?: BitmapMode | undefined
}

/** @throws {BlockError} where bitmap and modes do not fit. */
function planOf(
  graph: Graph,
  { source, sync: asked, bitmap: name, bitmapMode: askedMode }: BackupAbout,
): Plan {
  const incremental = asked === 'incremental'
  const sync = incremental ? 'bitmap' : asked
  if (sync === 'bitmap' && name === undefined) {
    throw new BlockError(`must provide a valid bitmap name for '${asked}' sync mode`)
  }
  if (incremental && askedMode !== undefined && askedMode !== 'on-success') {
    throw new BlockError("Bitmap sync mode must be 'on-success' when using sync mode 'incremental'")
  }
  const mode = incremental ? 'on-success' : askedMode
  if (name === undefined) {
    if (mode === undefined) return { sync }
    throw new BlockError('Cannot specify bitmap sync mode without a bitmap')
  }
  const bitmap = bitmapOf(graph.bitmapNode(source), name)
  if (bitmap === undefined) throw new BlockError(`Bitmap '${name}' could not be found`)
  if (mode === undefined) {
    throw new BlockError('Bitmap sync mode must be given when providing a bitmap')
  }
  bitmap.checkUsable({ readOnly: true })
  if (sync === 'none') {
    throw new BlockError("sync mode 'none' does not produce meaningful bitmap outputs")
  }
  if (mode === 'never' && sync !== 'bitmap') {
    throw new BlockError(
      `Bitmap sync mode 'never' has no meaningful effect when combined with sync mode '${sync}'`,
    )
  }
  return { sync, bitmap, mode }
}

function checkNodes(graph: Graph, { source, target, compress }: BackupAbout): void {
  if (source === target) throw new BlockError('Source and target cannot be the same')
  for (const node of [source, target]) {
    // 7.2 means to name a device, and nodes have none.
    if (!graph.hasMedium(node)) throw new BlockError('Device is not inserted: ')
  }
  if (compress && !canCompress(target)) {
    throw new BlockError('Compression is not supported for this drive ')
  }
  graph.checkOperation(source, 'backup-source')
  graph.checkOperation(target, 'backup-target')
}

/** A filter can where the node that it shows can. */
function canCompress({ driver, filteredChild }: GraphNode): boolean {
  return driver.takesCompressed && (filteredChild === undefined || canCompress(filteredChild))
}

function checkRequests({ workers, maxChunk }: BackupAbout): void {
  if (workers < 1 || workers > MAX_WORKERS) {
    throw new BlockError(`max-workers must be between 1 and ${String(MAX_WORKERS)}`)
  }
  if (maxChunk < 0) {
    throw new BlockError('max-chunk must be zero (which means no limit) or positive')
  }
}

async function withFilter(
  { graph, jobs, changes }: BackupParts,
  about: BackupAbout,
  what: Pick<BackupArgs, 'sync' | 'bitmap'>,
): Promise<PreparedJob> {
  const { source, target, workers, maxChunk, policies, speed = 0 } = about
  const filter = await changes().insertFilter({
    above: source,
    driver: 'copy-before-write',
    name: about.filterName,
    visible: true,
    children: { target },
  })
  const dropFilter = (): Promise<void> => changes().dropFilter(filter)
  try {
    const copier = graph.copier(filter)
    assert(copier !== undefined, 'a copy-before-write node has a copier')
    if (maxChunk > 0 && maxChunk < copier.clusterBytes) {
      throw new BlockError(
        `Required max-chunk (${String(maxChunk)}) is less than backup cluster size ` +
          `(${String(copier.clusterBytes)})`,
      )
    }
    copier.compress = about.compress
    const base = chainNext(source)?.name
    const requests = { workers, maxChunk }
    const args = { ...what, source, target, filter, copier, base, requests, policies, speed }
    return await jobs.create(about.kind ?? backup, { ...args, dropFilter }, about)
  } catch (error) {
    await dropFilter()
    throw error
  }
}
