/** Cuts reads and writes into what a driver takes: reads into whole blocks, both to the largest size. */
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

/** @param offset - Where a block begins; the data fill whole blocks. */
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

/** Whole blocks only. */
async function writeInPieces(
  instance: Instance,
  limits: Limits,
  offset: number,
  data: Uint8Array,
  flags: RequestFlags,
): Promise<void> {
  const step = pieceBytes(limits.maxTransfer, limits.requestAlignment)
  for (let done = 0; done < data.length; done += step) {
    await instance.write(offset + done, data.subarray(done, done + step), flags)
  }
}
