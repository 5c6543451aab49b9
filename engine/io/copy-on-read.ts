/**
 * Reads that copy: what a node does not have itself is read from further down and written into the
 * node before the read is over. The visible data stays as it is.
 */
import type { RequestFlags } from '../block/driver.ts'
import { WRITE, WRITE_UNCHANGED } from '../block/permission.ts'
import { alignDown, alignUp } from '../util/align.ts'
import { isZero } from '../util/bytes.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { readPieces, writePieces } from './pieces.ts'
import type { PathState } from './state.ts'
import { zeroBlocks } from './zero.ts'

/** Longest stretch that is copied at once. */
const MAX_COPY_BYTES = 2 ** 20

/** The whole clusters that a read copies: it must have them for itself. */
export function copiedRange(
  { node }: PathState,
  offset: number,
  bytes: number,
): { readonly from: number; readonly to: number } {
  const { requestAlignment } = node.limits()
  const unit = Math.max(node.instance.info?.().clusterBytes ?? 0, requestAlignment)
  const length = alignUp(node.length(), requestAlignment)
  return {
    from: alignDown(offset, unit),
    to: Math.max(offset + bytes, Math.min(alignUp(offset + bytes, unit), length)),
  }
}

/** Reads a range whose clusters are this request's own. */
export async function readAndCopy(
  state: PathState,
  offset: number,
  into: Uint8Array,
  flags: RequestFlags,
): Promise<void> {
  const { copyOnRead: _, prefetch, ...own } = flags
  const end = offset + into.length
  const { instance } = state.node
  const limits = state.node.limits()
  const { from, to } = copiedRange(state, offset, into.length)
  for (let at = from; at < to;) {
    const run = await runAt(state, at, to)
    const stop = at + run.bytes
    // The part of the run that was asked for.
    const first = Math.max(at, offset)
    const part = into.subarray(first - offset, Math.max(first, Math.min(stop, end)) - offset)
    if (!run.allocated) {
      const data = await copyUp(state, at, run.bytes)
      part.set(data.subarray(first - at, first - at + part.length))
    } else if (part.length > 0 && prefetch !== true) {
      await readPieces(instance, limits, first, part, own)
    }
    at = stop
  }
}

async function runAt(
  { node }: PathState,
  offset: number,
  end: number,
): Promise<{ readonly bytes: number; readonly allocated: boolean }> {
  const bytes = end - offset
  try {
    const run = await node.io.status(offset, bytes, { allocationOnly: true })
    return run.allocated
      ? { bytes: Math.min(run.bytes, bytes), allocated: true }
      : { bytes: Math.min(run.bytes, bytes, MAX_COPY_BYTES), allocated: false }
  } catch (error) {
    // What cannot be told is copied, which is safe.
    if (!(error instanceof BlockError)) throw error
    return { bytes: Math.min(bytes, MAX_COPY_BYTES), allocated: false }
  }
}

/** A filter copies into what is below it: it may where it has the permission. */
function mayCopy({ children, flags }: PathState['node']): boolean {
  const below = children.find(({ role }) => role.filtered === true)
  if (below === undefined) return !flags.readOnly
  return (below.claims.uses & (WRITE | WRITE_UNCHANGED)) !== 0
}

/** Zeroes are not stored as data. */
async function copyUp(state: PathState, offset: number, bytes: number): Promise<Uint8Array> {
  const { instance } = state.node
  const limits = state.node.limits()
  const data = new Uint8Array(bytes)
  await readPieces(instance, limits, offset, data, {})
  if (!mayCopy(state.node)) throw ioError('EPERM')
  await instance.debugEvent?.('cor_write')
  const flags = { unchanged: true }
  state.generation++
  if (instance.zero !== undefined && isZero(data)) {
    await zeroBlocks(instance, limits, offset, bytes, flags)
  } else {
    await writePieces(instance, limits, offset, data, flags)
  }
  return data
}
