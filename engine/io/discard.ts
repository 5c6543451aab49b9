/** Discards: what is less than a unit goes to the driver apart, and no failure where it cannot. */
import type { Instance, Limits } from '../block/driver.ts'
import { isPromise, type MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { pieceBytes } from './pieces.ts'

export function discardRange(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
): MaybePromise<void> {
  if (bytes === 0) return
  const unit = Math.max(limits.discardAlignment, limits.requestAlignment)
  const aligned = offset % unit === 0 && bytes % unit === 0
  if (aligned && bytes <= pieceBytes(limits.maxDiscard, unit)) {
    return discardOnce(instance, offset, bytes)
  }
  return discardInPieces(instance, limits, offset, bytes)
}

async function discardInPieces(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
): Promise<void> {
  const { requestAlignment } = limits
  const unit = Math.max(limits.discardAlignment, requestAlignment)
  const most = pieceBytes(limits.maxDiscard, unit)
  const end = offset + bytes
  let head = offset % unit
  let tail = end % unit
  for (let at = offset; at < end;) {
    let part = end - at
    if (head > 0) {
      part = Math.min(part, unit - head)
      if (part % requestAlignment !== 0) part %= requestAlignment
      head = (head + part) % unit
    } else if (tail > 0) {
      if (part > unit) {
        part -= tail
      } else if (tail % requestAlignment !== 0 && tail > requestAlignment) {
        tail %= requestAlignment
        part -= tail
      }
    }
    part = Math.min(part, most)
    await discardOnce(instance, at, part)
    at += part
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
