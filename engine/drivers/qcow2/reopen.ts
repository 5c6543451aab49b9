/** Changing an open image's runtime options, and whether it is written to. */
import type { Reopening, ReopenQuery } from '../../block/driver.ts'
import type { MaybePromise } from '../../util/async.ts'
import { run, type Routine } from '../../util/routine.ts'
import { markClean } from './header-write.ts'
import { COMPATIBLE } from './header.ts'
import type { Image } from './image.ts'
import { makeCaches } from './open.ts'
import { runtimeOptions, type Qcow2Options } from './options.ts'

/** @throws {BlockError} for options that cannot be, with nothing changed. */
export function reopen(image: Image, { options, flags }: ReopenQuery): MaybePromise<Reopening> {
  return run(
    image.lock.during(function* (): Routine<Reopening> {
      const next = runtimeOptions(options as unknown as Qcow2Options, {
        geometry: image.geometry,
        size: image.header.size,
        lazyRefcounts: (image.header.compatible & COMPATIBLE.lazyRefcounts) !== 0n,
        discard: flags.discard,
      })
      if (image.around.writable() && !image.dead) {
        yield* image.l2Cache.flush()
        yield* image.refcountCache.flush()
        if (flags.readOnly) yield* markClean(image)
      }
      return {
        commit() {
          image.options = next
          image.overlap = next.overlap
          Object.assign(
            image,
            makeCaches(() => image, next),
          )
        },
      }
    }),
  )
}
