/**
 * What block status can tell of an export, context by context. Each kind is one source in the list
 * at the end: it looks at the options of `block-export-add` and gives the contexts they ask for.
 */
import type { BlockIo, BlockStatus, Child } from '../block/driver.ts'
import type { Graph, GraphNode } from '../graph/graph.ts'
import { BASE_ALLOCATION, STATUS } from '../nbd/constants.ts'
import type { OfferedContext } from '../nbd/handshake-server.ts'
import type { MaybePromise } from '../util/async.ts'
import type { NbdExportOptions } from './exports.ts'
import type { StatusExtent } from './nbd-replies.ts'
import { MAX_STEP_BYTES } from './steps.ts'

/** The exported node's requests, and the status of its whole chain. */
export type ExportedIo = BlockIo & Pick<Child, 'statusAbove'>

export interface StatusQuery {
  readonly user: ExportedIo
  readonly offset: number
  readonly bytes: number
  /** At most this many extents; neighbours of one state count as one. */
  readonly maximum: number
}

export interface MetaContext extends OfferedContext {
  /** From `offset` on, perhaps not to the end of the range. */
  extents(query: StatusQuery): MaybePromise<readonly StatusExtent[]>
  /** The export is gone. */
  close?(): void
}

export interface ContextAbout {
  readonly options: NbdExportOptions
  readonly node: GraphNode
  readonly graph: Graph
}

/** @throws {BlockError} to refuse the export. */
export type ContextSource = (about: ContextAbout) => readonly MetaContext[]

/**
 * The states of a range, neighbours of one state merged.
 *
 * @param next - The run that begins at an offset, at most so long.
 */
export async function collectExtents(
  { offset, bytes, maximum }: StatusQuery,
  next: (offset: number, bytes: number) => MaybePromise<StatusExtent>,
): Promise<readonly StatusExtent[]> {
  const extents: { bytes: number; flags: number }[] = []
  for (let done = 0; done < bytes;) {
    const run = await next(offset + done, Math.min(bytes - done, MAX_STEP_BYTES))
    const last = extents.at(-1)
    if (last?.flags === run.flags) last.bytes += run.bytes
    else if (extents.length === maximum) break
    else extents.push({ bytes: run.bytes, flags: run.flags })
    done += run.bytes
  }
  return extents
}

export const baseAllocation: ContextSource = () => [
  {
    id: 0,
    name: BASE_ALLOCATION,
    extents: collectAllocation,
  },
]

/** What `base:allocation` says of a range. */
export function collectAllocation(query: StatusQuery): Promise<readonly StatusExtent[]> {
  return collectExtents(query, async (offset, bytes) =>
    allocation(await query.user.statusAbove(offset, bytes)),
  )
}

function allocation({ bytes, data, zero }: BlockStatus): StatusExtent {
  return { bytes, flags: (data ? 0 : STATUS.hole) | (zero ? STATUS.zero : 0) }
}
