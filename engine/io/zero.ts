/** Zeroing: by the driver where it can, else by writing zeroes. */
import type { Instance, Limits, RequestFlags } from '../block/driver.ts'
import { alignDown, alignUp } from '../util/align.ts'
import { isPromise, type MaybePromise } from '../util/async.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { pieceBytes, writePieces } from './pieces.ts'

/** Largest buffer of zeroes that a fallback writes at once. */
const BOUNCE_BYTES = 1024 * 1024

export function zeroRange(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  const unit = Math.max(limits.zeroAlignment, limits.requestAlignment)
  const aligned = offset % unit === 0 && bytes % unit === 0
  if (aligned && instance.zero !== undefined && (limits.maxZero === 0 || bytes <= limits.maxZero)) {
    return zeroOrWrite(instance, limits, offset, bytes, flags)
  }
  return zeroInPieces(instance, limits, offset, bytes, flags, unit)
}

async function zeroInPieces(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
  flags: RequestFlags,
  unit: number,
): Promise<void> {
  const end = offset + bytes
  const step = pieceBytes(limits.maxZero, unit)
  for (let at = offset; at < end;) {
    const edge = at % unit !== 0 || end - at < unit
    const room = edge ? Math.min(end, alignUp(at + 1, unit)) - at : alignDown(end - at, unit)
    const part = Math.min(room, step)
    if (edge || instance.zero === undefined) {
      await writeZeroes(instance, limits, at, part, flags)
    } else {
      await zeroOrWrite(instance, limits, at, part, flags)
    }
    at += part
  }
}

function zeroOrWrite(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  const fallBack = (error: unknown): MaybePromise<void> => {
    if (!(error instanceof BlockError) || error.errno !== 'ENOTSUP') throw error
    return writeZeroes(instance, limits, offset, bytes, flags)
  }
  try {
    const done = instance.zero?.(offset, bytes, flags)
    return isPromise(done) ? done.catch(fallBack) : done
  } catch (error) {
    return fallBack(error)
  }
}

async function writeZeroes(
  instance: Instance,
  limits: Limits,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): Promise<void> {
  if (flags.noFallback === true) throw ioError('ENOTSUP')
  const { mayUnmap: _, ...write } = flags
  for (let done = 0; done < bytes; done += BOUNCE_BYTES) {
    const zeroes = new Uint8Array(Math.min(BOUNCE_BYTES, bytes - done))
    await writePieces(instance, limits, offset + done, zeroes, write)
  }
}
