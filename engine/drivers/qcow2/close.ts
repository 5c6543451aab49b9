/** Closing an image: what is in memory alone goes to the file. */
import { BlockError, errnoText } from '../../util/errors.ts'
import type { Routine } from '../../util/routine.ts'
import { giveBytes } from '../../util/spare-bytes.ts'
import { WordTable } from '../../util/struct.ts'
import { storeBitmaps } from './bitmap-store.ts'
import { markClean } from './header-write.ts'
import type { Image } from './image.ts'

/** A node closes whatever happens: what cannot be written is told and lost. */
export function closeImage(image: Image): Routine<void> {
  return image.lock.during(function* () {
    if (image.dead) return
    yield* settle(image)
    image.l2Cache.close()
    image.refcountCache.close()
    giveBytes(image.refcountTable.bytes)
    image.refcountTable = NO_TABLE
  })
}

/** What is asked of an image that is closed finds nothing. */
const NO_TABLE = new WordTable(new Uint8Array())

function* settle(image: Image): Routine<void> {
  const bitmaps = yield* told(image, lostBitmaps(image), storeBitmaps(image, true), 'why')
  image.dead = true
  if (!image.around.writable()) return
  const l2 = yield* told(image, 'Failed to flush the L2 table cache', image.l2Cache.flush())
  const counts = yield* told(
    image,
    'Failed to flush the refcount block cache',
    image.refcountCache.flush(),
  )
  if (bitmaps && l2 && counts)
    yield* told(image, 'Failed to mark the image clean', markClean(image))
}

function lostBitmaps({ around }: Image): string {
  return `Lost persistent bitmaps during inactivation of node '${around.nodeName()}'`
}

/**
 * @param how - What is told of a failure: the system's text for it, or why it came.
 * @returns whether it went well.
 */
function* told(
  image: Image,
  what: string,
  routine: Routine<void>,
  how: 'errno' | 'why' = 'errno',
): Routine<boolean> {
  try {
    yield* routine
    return true
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    image.around.log(`${what}: ${how === 'why' ? error.message : errnoText(error.errno)}`)
    return false
  }
}
