/** Changed tables on their way to the file. */
import type { Routine } from '../../util/routine.ts'
import { INCOMPATIBLE } from './header.ts'
import type { Image } from './image.ts'

/** Writes them in the order that their dependencies demand; counts only where they matter. */
export function* writeTables(image: Image): Routine<void> {
  yield* image.l2Cache.write()
  if ((image.header.incompatible & INCOMPATIBLE.dirty) === 0n) yield* image.refcountCache.write()
}
