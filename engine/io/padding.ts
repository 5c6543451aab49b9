/**
 * Requests that begin or end inside a block: what surrounds them is read first, then whole blocks
 * are written. The order of reads and writes is the real program's, since a blkdebug node shows it.
 */
import type { RequestFlags } from '../block/driver.ts'
import { alignDown, alignUp } from '../util/align.ts'
import { BlockError } from '../util/errors.ts'
import { writeAligned, zeroAligned } from './aligned.ts'
import { readPieces } from './pieces.ts'
import type { PathState } from './state.ts'

interface Padding {
  readonly from: number
  readonly to: number
  /** Bytes before the request in its first block, and after it in its last one. */
  readonly head: number
  readonly tail: number
  readonly unit: number
}

function paddingOf(state: PathState, offset: number, bytes: number): Padding {
  const unit = state.node.limits().requestAlignment
  const end = offset + bytes
  const from = alignDown(offset, unit)
  const to = alignUp(end, unit)
  return { from, to, head: offset - from, tail: to - end, unit }
}

export async function writePadded(
  state: PathState,
  offset: number,
  data: Uint8Array,
  flags: RequestFlags,
): Promise<void> {
  const padding = paddingOf(state, offset, data.length)
  const { from, to, head } = padding
  const whole = new Uint8Array(to - from)
  await readEdges(state, padding, whole)
  whole.set(data, head)
  await writeAligned(state, from, whole, flags)
}

/** Zeroes: the edges are written, what lies between them is zeroed. */
export async function zeroPadded(
  state: PathState,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): Promise<void> {
  const padding = paddingOf(state, offset, bytes)
  const { from, to, head, tail, unit } = padding
  const first = new Uint8Array(unit)
  const last = to - from === unit ? first : new Uint8Array(unit)
  const together = edgesTogether(padding)
  const edges = new Uint8Array(together ? to - from : 2 * unit)
  await readEdges(state, padding, edges)
  edges.fill(0, head, edges.length - tail)
  if (together) {
    await writeAligned(state, from, edges, flags)
    return
  }
  first.set(edges.subarray(0, unit))
  last.set(edges.subarray(edges.length - unit))
  if (head > 0) await writeAligned(state, from, first, flags)
  const middle = head > 0 ? from + unit : from
  const middleEnd = tail > 0 ? to - unit : to
  if (middle < middleEnd) await zeroAligned(state, middle, middleEnd - middle, flags)
  if (tail > 0) await writeAligned(state, to - unit, last, flags)
}

/** One read brings both edges: they share a block or their blocks touch. */
function edgesTogether({ from, to, head, tail, unit }: Padding): boolean {
  return to - from === (to - from > unit && head > 0 && tail > 0 ? 2 * unit : unit)
}

/**
 * Reads what surrounds a request. Measured: a failure does not stop the write, which overwrites
 * what could not be read; with zeroes here, with what memory holds in 7.2.
 *
 * @param into - Its first block gets the head, its last one the tail.
 */
async function readEdges(state: PathState, padding: Padding, into: Uint8Array): Promise<void> {
  try {
    await tryReadEdges(state, padding, into)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
  }
}

async function tryReadEdges(state: PathState, padding: Padding, into: Uint8Array): Promise<void> {
  const { from, to, head, tail, unit } = padding
  const { instance } = state.node
  const tell = (event: string) => instance.debugEvent?.(event)
  const together = edgesTogether(padding)
  if (head > 0 || together) {
    const withTail = together && tail > 0
    if (head > 0) await tell('pwritev_rmw_head')
    if (withTail) await tell('pwritev_rmw_tail')
    await readBlocks(state, from, into.subarray(0, together ? to - from : unit))
    if (head > 0) await tell('pwritev_rmw_after_head')
    if (withTail) await tell('pwritev_rmw_after_tail')
    if (together) return
  }
  if (tail === 0) return
  await tell('pwritev_rmw_tail')
  await readBlocks(state, to - unit, into.subarray(into.length - unit))
  await tell('pwritev_rmw_after_tail')
}

/** Blocks past the end have nothing to read; the one in which the disk ends is read whole. */
async function readBlocks({ node }: PathState, offset: number, into: Uint8Array): Promise<void> {
  const limits = node.limits()
  const end = alignUp(node.length(), limits.requestAlignment)
  const within = Math.max(0, Math.min(into.length, end - offset))
  into.fill(0, within)
  if (within > 0) await readPieces(node.instance, limits, offset, into.subarray(0, within), {})
}
