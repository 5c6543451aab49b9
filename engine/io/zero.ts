/** Zeroing of whole blocks: by the driver where it can, else by writing zeroes. */
import type { Instance, Limits, RequestFlags } from '../block/driver.ts'
import { isPromise, type MaybePromise } from '../util/async.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { run, wait, type Routine } from '../util/routine.ts'
import { pieceBytes } from './pieces.ts'

/** Largest buffer of zeroes that a fallback writes at once. */
const BOUNCE_BYTES = 32768 * 512

export function zeroBlocks(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  if (flags.noFallback === true && instance.supports?.fastZero === false) throw ioError('ENOTSUP')
  if (bytes === 0) return
  const unit = Math.max(limits.zeroAlignment, limits.requestAlignment)
  const aligned = offset % unit === 0 && bytes % unit === 0
  if (aligned && bytes <= pieceBytes(limits.maxZero, unit) && instance.zero !== undefined) {
    const pieces = (error: unknown): MaybePromise<void> => {
      checkUnsupported(error, flags)
      return run(zeroInPieces(instance, limits, offset, bytes, flags, true))
    }
    try {
      const done = instance.zero(offset, bytes, flags)
      return isPromise(done) ? done.catch(pieces) : done
    } catch (error) {
      return pieces(error)
    }
  }
  return run(zeroInPieces(instance, limits, offset, bytes, flags, false))
}

/** @param refused - The driver has refused the first piece already. */
function* zeroInPieces(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
  flags: RequestFlags,
  refused: boolean,
): Routine<void> {
  const unit = Math.max(limits.zeroAlignment, limits.requestAlignment)
  const most = pieceBytes(limits.maxZero, unit)
  const transfer = Math.min(
    BOUNCE_BYTES,
    limits.maxTransfer === 0 ? BOUNCE_BYTES : limits.maxTransfer,
  )
  const end = offset + bytes
  const tail = end % unit
  let head = offset % unit
  let asked = refused
  for (let at = offset; at < end;) {
    let part = end - at
    if (head > 0) {
      part = Math.min(part, transfer, unit - head)
      head = (head + part) % unit
    } else if (tail > 0 && part > unit) {
      part -= tail
    }
    part = Math.min(part, most)
    if (asked || !(yield* zeroOnce(instance, at, part, flags))) {
      part = Math.min(part, transfer)
      yield* wait(writeZeroes(instance, at, part, flags))
    }
    asked = false
    at += part
  }
}

/** False where the driver cannot. */
function* zeroOnce(
  instance: Instance,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): Routine<boolean> {
  try {
    if (instance.zero === undefined) throw ioError('ENOTSUP')
    yield* wait(instance.zero(offset, bytes, flags))
    return true
  } catch (error) {
    checkUnsupported(error, flags)
    return false
  }
}

/** @throws what is no mere inability, and that too where writing zeroes is no way out. */
function checkUnsupported(error: unknown, flags: RequestFlags): void {
  const unable = error instanceof BlockError && error.errno === 'ENOTSUP'
  if (!unable || flags.noFallback === true) throw error
}

function writeZeroes(
  instance: Instance,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  // As with 7.2, zeroes in place of compressed data are plain ones.
  const { mayUnmap: _, compressed: _unused, ...write } = flags
  return instance.write(offset, new Uint8Array(bytes), write)
}
