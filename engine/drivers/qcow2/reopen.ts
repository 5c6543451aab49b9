/** Changing the options of an open image. */
import { told } from './context.ts'
import type { ReopenQuery, Reopening } from '../../block/driver.ts'
import { BlockError } from '../../util/errors.ts'
import type { MaybePromise } from '../../util/async.ts'
import { run, wait, type Routine } from '../../util/routine.ts'
import { freezeBitmaps, thawBitmaps } from './bitmap-store.ts'
import { COMPATIBLE } from './header.ts'
import { markClean } from './header-write.ts'
import type { Image } from './image.ts'
import { makeCaches } from './open.ts'
import {
  runtimeOptions,
  type Qcow2Options,
  type Requested,
  type RuntimeOptions,
} from './options.ts'
import { checkNotCorrupt } from './read-header.ts'

/** @throws {BlockError} for options that cannot be, with nothing changed. */
export function reopen(image: Image, next: ReopenQuery): MaybePromise<Reopening> {
  return run(image.lock.during(() => prepare(image, next)))
}

function* prepare(image: Image, next: ReopenQuery): Routine<Reopening> {
  const { header, around } = image
  // The graph checked them against the declaration.
  const wanted = next.options as unknown as Qcow2Options
  const requested = { options: wanted, discard: next.flags.discard }
  const options = optionsFor(image, requested)
  if (!around.writable() && !next.flags.readOnly && around.keepsCorruptReadOnly) {
    checkNotCorrupt(header.incompatible)
  }
  if (next.flags.readOnly && !image.dead) yield* freezeBitmaps(image)
  if (around.writable() && !image.dead) {
    yield* writeOut(image)
    const endsLazy = image.options.lazyRefcounts && !options.lazyRefcounts
    if (endsLazy || next.flags.readOnly) yield* markClean(image)
  }
  return {
    commit() {
      image.requested = requested
      take(image, options)
    },
    after: () => run(image.lock.during(() => thaw(image))),
  }
}

/** Bitmaps that cannot be marked as in use stay as they are, and keep everybody from writing. */
function* thaw(image: Image): Routine<void> {
  if (!image.around.writable() || image.dead) return
  try {
    yield* thawBitmaps(image)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    const { nodeName, log } = image.around
    log(`${nodeName()}: Failed to make dirty bitmaps writable: ${error.message}`)
  }
}

/** With the lock held: caches of the sizes that fit the new length of the disk, as yet empty. */
export function* renewCaches(image: Image): Routine<void> {
  const options = optionsFor(image, image.requested)
  yield* told('Failed to flush the L2 table cache', image.l2Cache.flush())
  yield* told('Failed to flush the refcount block cache', image.refcountCache.flush())
  take(image, options)
}

function optionsFor({ geometry, header }: Image, { options, discard }: Requested): RuntimeOptions {
  return runtimeOptions(options, {
    geometry,
    size: header.size,
    lazyRefcounts: (header.compatible & COMPATIBLE.lazyRefcounts) !== 0n,
    discard,
  })
}

function take(image: Image, options: RuntimeOptions): void {
  image.options = options
  image.overlap = options.overlap
  const caches = makeCaches(() => image, options)
  image.l2Cache = caches.l2Cache
  image.refcountCache = caches.refcountCache
}

function* writeOut(image: Image): Routine<void> {
  yield* told('Failed to flush the L2 table cache', image.l2Cache.flush())
  yield* told('Failed to flush the refcount block cache', image.refcountCache.flush())
  yield* wait(image.file.flush())
}
