/** An open image as the request path sees it. */
import type { Instance } from '../../block/driver.ts'
import type { MaybePromise } from '../../util/async.ts'
import { run, type Routine } from '../../util/routine.ts'
import { checkNew, removeBitmap } from './bitmap-store.ts'
import { checkImage } from './check/check.ts'
import { closeImage } from './close.ts'
import { writeBackingHint } from './header-write.ts'
import type { Image } from './image.ts'
import { specificInfo } from './info.ts'
import { read } from './read.ts'
import { truncate } from './resize.ts'
import { reopen } from './reopen.ts'
import { status } from './status.ts'
import { write } from './write.ts'
import { writeCompressed } from './write-compressed.ts'
import { writeTables } from './write-tables.ts'
import { discard, zero } from './zero.ts'
import { INCOMPATIBLE } from './header.ts'
import { ioError } from '../../util/errors.ts'

export function instanceOf(image: Image): Instance {
  const { header, geometry } = image
  return {
    length: () => header.size,
    read: (offset, into) => read(image, offset, into),
    write: (offset, data, flags) =>
      flags.compressed === true ? writeCompressed(image, offset, data) : write(image, offset, data),
    zero: (offset, bytes, flags) => zero(image, offset, bytes, flags),
    discard: (offset, bytes) => discard(image, offset, bytes),
    flushToOs: () => flushToOs(image),
    status: (offset, bytes, query) => status(image, offset, bytes, query),
    truncate: (bytes, options) => truncate(image, bytes, options),
    limits: () => ({
      zeroAlignment: geometry.clusterBytes,
      discardAlignment: geometry.clusterBytes,
    }),
    info: () => ({
      clusterBytes: geometry.clusterBytes,
      dirty: (header.incompatible & INCOMPATIBLE.dirty) !== 0n,
      specific: specificInfo(image),
      ...(image.snapshots.length === 0
        ? {}
        : { snapshots: image.snapshots.map((snapshot) => snapshot.info) }),
    }),
    backing: () =>
      header.backingFile === undefined || header.backingFile === ''
        ? undefined
        : {
            filename: header.backingFile,
            ...(header.backingFormat === undefined ? {} : { format: header.backingFormat }),
          },
    bitmapKeeper: {
      check(name, granularity) {
        checkNew(image, name, granularity)
      },
      remove: (name) => run(image.lock.during(() => removeBitmap(image, name))),
    },
    changeBacking: (hint) => run(image.lock.during(() => writeBackingHint(image, hint))),
    // Without a flag for zeroes, clusters are given back at best.
    supports: { fastZero: geometry.version >= 3, unmapZero: geometry.version >= 3 },
    reopen: (query) => reopen(image, query),
    check: (about) => run(image.lock.during(() => checkImage(image, about))),
    close: () => run(closeImage(image)),
  }
}

/** Tables reach the file in the order that their dependencies demand. */
function flushToOs(image: Image): MaybePromise<void> {
  return run(
    image.lock.during(function* (): Routine<void> {
      if (image.dead) throw ioError('ENOMEDIUM')
      yield* writeTables(image)
    }),
  )
}
