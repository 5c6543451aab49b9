/** What happens when the image's own structures prove wrong. */
import { BlockError, ioError } from '../../util/errors.ts'
import type { Routine } from '../../util/routine.ts'
import { INCOMPATIBLE } from './header.ts'
import { writeHeader } from './header-write.ts'
import type { Image } from './image.ts'

export interface Damage {
  readonly message: string
  /** The write that was prevented; absent where nothing was. */
  readonly offset?: number
  readonly bytes?: number
  /** Whether going on would make it worse; on a node that is not writable it cannot. */
  readonly fatal: boolean
}

/** It is closed, or corrupt and not even read any more. */
export function isOutOfReach({ dead, around }: Image): boolean {
  return dead && !around.readsCorrupt
}

/**
 * Tells of damage, once, and gives up a writable image where that is fatal: its header is marked,
 * and no further request reaches it.
 *
 * @throws {BlockError} `EIO`, always: the request that met the damage fails.
 */
export function* signalCorruption(image: Image, damage: Damage): Routine<never> {
  const { header, around } = image
  const fatal = damage.fatal && around.writable()
  const marked = (header.incompatible & INCOMPATIBLE.corrupt) !== 0n
  if (image.corruptionSignalled && (!fatal || marked)) throw ioError('EIO')
  const { message, offset, bytes } = damage
  around.log(
    fatal
      ? `qcow2: Marking image as corrupt: ${message}; further corruption events will be suppressed`
      : `qcow2: Image is corrupt: ${message}; further non-fatal corruption events will be suppressed`,
    'bare',
  )
  image.corruptionSignalled = true
  if (fatal) {
    image.dead = true
    yield* markCorrupt(image)
  }
  around.corrupted({
    message,
    ...(offset === undefined ? {} : { offset }),
    ...(bytes === undefined ? {} : { bytes }),
    fatal,
  })
  throw ioError('EIO')
}

/** Best effort: the storage may be what failed. */
function* markCorrupt(image: Image): Routine<void> {
  image.header.incompatible |= INCOMPATIBLE.corrupt
  try {
    yield* writeHeader(image)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
  }
}
