/** Cuts reads and writes into what a driver takes: whole blocks, not too large ones. */
import type { Instance, Limits, RequestFlags } from '../block/driver.ts'
import { alignDown, alignUp } from '../util/align.ts'
import type { MaybePromise } from '../util/async.ts'

export function readPieces(
  instance: Instance,
  limits: Limits,
  offset: number,
  into: Uint8Array,
  flags: RequestFlags,
): MaybePromise<void> {
  if (fits(limits, offset, into.length)) return instance.read(offset, into, flags)
  return readInPieces(instance, limits, offset, into, flags)
}

export function writePieces(
  instance: Instance,
  limits: Limits,
  offset: number,
  data: Uint8Array,
  flags: RequestFlags,
): MaybePromise<void> {
  if (fits(limits, offset, data.length)) return instance.write(offset, data, flags)
  return writeInPieces(instance, limits, offset, data, flags)
}

/** Largest whole number of blocks that one transfer may have; everything if there is no limit. */
export function pieceBytes(maximum: number, alignment: number): number {
  return maximum === 0
    ? Number.MAX_SAFE_INTEGER
    : Math.max(alignment, alignDown(maximum, alignment))
}

function fits({ requestAlignment, maxTransfer }: Limits, offset: number, bytes: number): boolean {
  if (maxTransfer !== 0 && bytes > maxTransfer) return false
  return (
    requestAlignment === 1 || (offset % requestAlignment === 0 && bytes % requestAlignment === 0)
  )
}

async function readInPieces(
  instance: Instance,
  limits: Limits,
  offset: number,
  into: Uint8Array,
  flags: RequestFlags,
): Promise<void> {
  const { requestAlignment } = limits
  const step = pieceBytes(limits.maxTransfer, requestAlignment)
  const end = offset + into.length
  for (let at = offset; at < end;) {
    const from = alignDown(at, requestAlignment)
    const to = Math.min(alignUp(end, requestAlignment), from + step)
    const stop = Math.min(to, end)
    const target = into.subarray(at - offset, stop - offset)
    if (at === from && stop === to) {
      await instance.read(from, target, flags)
    } else {
      const whole = new Uint8Array(to - from)
      await instance.read(from, whole, flags)
      target.set(whole.subarray(at - from, stop - from))
    }
    at = stop
  }
}

async function writeInPieces(
  instance: Instance,
  limits: Limits,
  offset: number,
  data: Uint8Array,
  flags: RequestFlags,
): Promise<void> {
  const { requestAlignment } = limits
  const step = pieceBytes(limits.maxTransfer, requestAlignment)
  const end = offset + data.length
  for (let at = offset; at < end;) {
    const from = alignDown(at, requestAlignment)
    const whole = at === from && end - at >= requestAlignment
    // Edges go block by block, so that only they are read first.
    const room = whole ? alignDown(end - at, requestAlignment) : requestAlignment
    const to = from + Math.min(room, step)
    const stop = Math.min(to, end)
    const source = data.subarray(at - offset, stop - offset)
    if (whole) {
      await instance.write(from, source, flags)
    } else {
      const block = new Uint8Array(to - from)
      await instance.read(from, block, {})
      block.set(source, at - from)
      await instance.write(from, block, flags)
    }
    at = stop
  }
}
