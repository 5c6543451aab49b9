/**
 * Writing compressed clusters. They lie one behind the other in the file, several of them in one of
 * its clusters, and are never changed: their clusters on the disk must not have any data yet, or, as
 * the profile's `compressed.rewrite` says, get another place and give the former one back.
 */
import { wait, run, type Routine } from '../../util/routine.ts'
import type { WordTable } from '../../util/struct.ts'
import type { MaybePromise } from '../../util/async.ts'
import { isAligned } from '../../util/align.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { packingOf } from './compressed.ts'
import { signalCorruption } from './corruption.ts'
import { compressedEntry, entryCopy, isAllocated, kindAt } from './entry.ts'
import { clusterEnd } from './geometry.ts'
import type { Image } from './image.ts'
import { writableL2 } from './l1.ts'
import { checkOverlap } from './overlap.ts'
import { AGAIN, changeRefcounts, freeClusters } from './refcount-change.ts'
import { findFree, refcountOf } from './refcount-lookup.ts'
import { freeEntry } from './refcounts.ts'
import { reach } from './storage.ts'
import { trimIfDue } from './trim.ts'
import { write } from './write.ts'

/** How many more clusters 7.2 has begun with when it learns that one could not be written. */
const BEGUN = 8

/**
 * @throws {BlockError} `EIO` for a cluster that has data, where that is refused; `EINVAL` for less than
 *   whole clusters.
 */
export function writeCompressed(
  image: Image,
  offset: number,
  data: Uint8Array,
): MaybePromise<void> {
  return run(writeAll(image, offset, data))
}

function* writeAll(image: Image, offset: number, data: Uint8Array): Routine<void> {
  const { file, header, inFlight, around } = image
  const { clusterBytes } = image.geometry
  trimIfDue(image)
  if (data.length === 0) {
    // Nothing to write means: let the file end with a sector.
    yield* wait(file.truncate(file.length(), { exact: false }))
    return
  }
  const end = offset + data.length
  const whole = isAligned(data.length, clusterBytes) || end === header.size
  if (!isAligned(offset, clusterBytes) || !whole) throw ioError('EINVAL')
  // Who writes with the lock held is in nobody's way.
  const request = around.rewritesCompressed ? undefined : inFlight.begin('write', offset, end)
  let failure: BlockError | undefined
  let last = data.length
  try {
    for (let done = 0; done < last; done += clusterBytes) {
      try {
        const cluster = data.subarray(done, done + clusterBytes)
        yield* writeCluster(image, offset + done, cluster)
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        failure ??= error
        last = Math.min(last, done + (BEGUN + 1) * clusterBytes)
      }
    }
  } finally {
    if (request !== undefined) inFlight.end(request)
  }
  if (failure !== undefined) throw failure
}

function* writeCluster(image: Image, offset: number, data: Uint8Array): Routine<void> {
  const { clusterBytes } = image.geometry
  let cluster = data
  if (data.length < clusterBytes) {
    cluster = new Uint8Array(clusterBytes)
    cluster.set(data)
  }
  const packed = packingOf(image).pack(cluster, clusterBytes - 1)
  if (packed === undefined) {
    yield* wait(write(image, offset, data))
    return
  }
  if (image.around.rewritesCompressed) {
    yield* image.lock.during(() => replaceCluster(image, offset, packed))
    return
  }
  const place = yield* image.lock.during(function* () {
    if (image.dead) throw ioError('ENOMEDIUM')
    const found = yield* mapCluster(image, offset, packed.length)
    yield* checkOverlap(image, found, packed.length)
    return found
  })
  yield* reach(image.file, 'write_compressed')
  yield* wait(image.file.write(place, packed))
}

/**
 * With the lock held throughout: writes a compressed cluster, maps it, and gives back what was there.
 * Nobody sees it half-written, and nobody still writes to or reads what is given back.
 */
function* replaceCluster(image: Image, offset: number, packed: Uint8Array): Routine<void> {
  const { file, geometry, inFlight, lock } = image
  yield* inFlight.settle(lock, offset, offset + geometry.clusterBytes)
  if (image.dead) throw ioError('ENOMEDIUM')
  const place = yield* takeBytes(image, packed.length)
  let old: WordTable
  try {
    yield* checkOverlap(image, place, packed.length)
    yield* reach(file, 'write_compressed')
    yield* wait(file.write(place, packed))
    yield* reach(file, 'l2_update_compressed')
    const { table, index } = yield* writableL2(image, offset)
    old = entryCopy(table.words, index)
    const entry = compressedEntry(geometry, { offset: place, bytes: packed.length })
    table.words.setExact(index, entry)
    table.dirty = true
  } catch (error) {
    yield* giveBack(image, place, packed.length)
    throw error
  }
  yield* freeEntry(image, old, 0, 'never')
}

/** A corrupt image stays as it is. */
function* giveBack(image: Image, place: number, bytes: number): Routine<void> {
  if (!image.dead) yield* freeClusters(image, place, bytes, 'never')
}

/** With the lock held: finds room for a compressed cluster and maps it, before it is written. */
function* mapCluster(image: Image, offset: number, bytes: number): Routine<number> {
  const { table, index } = yield* writableL2(image, offset)
  if (isAllocated(kindAt(table.words, index))) throw ioError('EIO')
  const place = yield* takeBytes(image, bytes)
  yield* reach(image.file, 'l2_update_compressed')
  // Counting may have let go of the table.
  const now = yield* writableL2(image, offset)
  now.table.words.setExact(now.index, compressedEntry(image.geometry, { offset: place, bytes }))
  now.table.dirty = true
  return place
}

/**
 * Takes room behind the last compressed cluster, or in a new cluster. As with 7.2, the place is
 * kept in mind even where the cluster that it is in was given back, and perhaps taken by others.
 */
function* takeBytes(image: Image, bytes: number): Routine<number> {
  const { geometry, file } = image
  const { clusterBytes } = geometry
  yield* reach(file, 'cluster_alloc_bytes')
  let offset = image.freeByteOffset
  if (offset !== 0) {
    const count = yield* refcountOf(image, Math.floor(offset / clusterBytes))
    if (count === geometry.maxRefcount) offset = 0
  }
  for (;;) {
    if (offset === 0 || clusterBytes - (offset % clusterBytes) < bytes) {
      const next = yield* newCluster(image)
      // Where the next cluster is free the packed bytes go across.
      if (offset === 0 || clusterEnd(geometry, offset) !== next) offset = next
    }
    if ((yield* changeRefcounts(image, offset, bytes, 1, 'never')) !== AGAIN) break
    offset = 0
  }
  yield* image.l2Cache.dependOn(image.refcountCache)
  const end = offset + bytes
  image.freeByteOffset = isAligned(end, clusterBytes) ? 0 : end
  return offset
}

function* newCluster(image: Image): Routine<number> {
  const { clusterBytes, compressedSizeShift } = image.geometry
  const next = yield* findFree(image, clusterBytes, 2 ** compressedSizeShift)
  if (next !== 0) return next
  return yield* signalCorruption(image, {
    message: 'Preventing invalid allocation of compressed cluster at offset 0',
    fatal: true,
  })
}
