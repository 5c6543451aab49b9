/** Reading guest data: from the file, decompressed, from the backing image, or zeroes. */
import { reach } from './storage.ts'
import { ioError } from '../../util/errors.ts'
import { isPromise, type MaybePromise } from '../../util/async.ts'
import { run, wait, type Routine } from '../../util/routine.ts'
import { compressedPlace } from './entry.ts'
import { packingOf } from './compressed.ts'
import { isOutOfReach } from './corruption.ts'
import type { Image } from './image.ts'
import { trimIfDue } from './trim.ts'
import { lookUp, peekMapping } from './mapping.ts'

export function read(image: Image, offset: number, into: Uint8Array): MaybePromise<void> {
  if (!image.lock.held && !isOutOfReach(image)) {
    const mapping = peekMapping(image, offset, into.length)
    if (mapping?.bytes === into.length && mapping.kind === 'normal') {
      const stop = image.file.debugEvent('read_aio')
      const start = (): MaybePromise<void> => image.file.read(mapping.hostOffset, into)
      const reading = stop === undefined ? start() : stop.then(start)
      return isPromise(reading) ? tracked(image, offset, into, reading) : reading
    }
  }
  return run(trackedRead(image, offset, into))
}

async function tracked(
  image: Image,
  offset: number,
  into: Uint8Array,
  reading: Promise<void>,
): Promise<void> {
  const request = image.inFlight.begin('read', offset, offset + into.length)
  try {
    await reading
  } finally {
    image.inFlight.end(request)
  }
}

function* trackedRead(image: Image, offset: number, into: Uint8Array): Routine<void> {
  trimIfDue(image)
  const request = image.inFlight.begin('read', offset, offset + into.length)
  try {
    yield* readGuest(image, offset, into)
  } finally {
    image.inFlight.end(request)
  }
}

/** Fills `into`; takes the lock for each look at the tables. */
export function* readGuest(image: Image, offset: number, into: Uint8Array): Routine<void> {
  for (let done = 0; done < into.length;) {
    if (isOutOfReach(image)) throw ioError('ENOMEDIUM')
    const at = offset + done
    const mapping = yield* image.lock.during(() => lookUp(image, at, into.length - done))
    const part = into.subarray(done, done + mapping.bytes)
    switch (mapping.kind) {
      case 'normal':
        yield* reach(image.file, 'read_aio')
        yield* wait(image.file.read(mapping.hostOffset, part))
        break
      case 'compressed':
        yield* readCompressed(image, mapping.compressedEntry ?? 0n, at, part)
        break
      case 'unallocated':
        yield* readBacking(image, at, part)
        break
      case 'zero':
      case 'zero-allocated':
        part.fill(0)
        break
    }
    done += mapping.bytes
  }
}

function* readBacking(image: Image, offset: number, into: Uint8Array): Routine<void> {
  const backing = image.around.backing()
  if (backing === undefined) {
    into.fill(0)
    return
  }
  yield* reach(image.file, 'read_backing_aio')
  yield* wait(backing.read(offset, into))
}

function* readCompressed(
  image: Image,
  entry: bigint,
  offset: number,
  into: Uint8Array,
): Routine<void> {
  const { geometry, file } = image
  const place = compressedPlace(geometry, entry)
  const packed = new Uint8Array(place.bytes)
  yield* reach(file, 'read_compressed')
  yield* wait(file.read(place.offset, packed))
  const cluster = packingOf(image).unpack(packed, geometry.clusterBytes)
  if (cluster === undefined) throw ioError('EIO')
  const within = offset % geometry.clusterBytes
  into.set(cluster.subarray(within, within + into.length))
}
