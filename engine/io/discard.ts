/** Discards: what is less than a unit goes to the driver apart, and no failure where it cannot. */
import type { Instance, Limits } from '../block/driver.ts'
import { alignDown, alignUp } from '../util/align.ts'
import { isPromise, type MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { pieceBytes } from './pieces.ts'

export function discardRange(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
): MaybePromise<void> {
  const unit = Math.max(limits.discardAlignment, limits.requestAlignment)
  const step = pieceBytes(limits.maxDiscard, unit)
  const end = offset + bytes
  const from = Math.min(alignUp(offset, unit), end)
  const to = Math.max(alignDown(end, unit), from)
  if (from === offset && to === end && bytes <= step) return discardOnce(instance, offset, bytes)
  return discardInPieces(instance, [offset, from, to, end], step)
}

/** @param bounds - Where the parts begin, and where the last one ends. */
async function discardInPieces(
  instance: Instance,
  bounds: readonly number[],
  step: number,
): Promise<void> {
  for (const [index, from] of bounds.entries()) {
    const to = bounds[index + 1] ?? from
    for (let at = from; at < to; at += step) {
      await discardOnce(instance, at, Math.min(step, to - at))
    }
  }
}

function discardOnce(instance: Instance, offset: number, bytes: number): MaybePromise<void> {
  const forgive = (error: unknown): void => {
    if (!(error instanceof BlockError) || error.errno !== 'ENOTSUP') throw error
  }
  try {
    const done = instance.discard?.(offset, bytes)
    return isPromise(done) ? done.catch(forgive) : done
  } catch (error) {
    forgive(error)
  }
}
