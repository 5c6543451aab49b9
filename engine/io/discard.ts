/** Discards: whole units only, and no failure where the storage cannot. */
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
  const from = alignUp(offset, unit)
  const to = alignDown(offset + bytes, unit)
  if (to <= from) return
  const step = pieceBytes(limits.maxDiscard, unit)
  if (to - from <= step) return discardOnce(instance, from, to - from)
  return discardInPieces(instance, from, to, step)
}

async function discardInPieces(
  instance: Instance,
  from: number,
  to: number,
  step: number,
): Promise<void> {
  for (let at = from; at < to; at += step) {
    await discardOnce(instance, at, Math.min(step, to - at))
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
