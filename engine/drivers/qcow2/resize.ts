/** Changing the length of the disk. */
import { told } from './context.ts'
import type { TruncateOptions } from '../../block/driver.ts'
import type { MaybePromise } from '../../util/async.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { isZero } from '../../util/bytes.ts'
import { run, wait, type Routine } from '../../util/routine.ts'
import { WordTable } from '../../util/struct.ts'
import { blockOffsetAt } from './entry.ts'
import { clusterEnd, l1EntriesFor } from './geometry.ts'
import { FIELD_OFFSETS, ONE_WORD } from './header.ts'
import type { Image } from './image.ts'
import { growL1, shrinkL1 } from './l1.ts'
import { preallocate } from './preallocate.ts'
import { visitCounted } from './refcount-lookup.ts'
import { freeBlock } from './refcounts.ts'
import { renewCaches } from './reopen.ts'
import { writeStable } from './storage.ts'
import { write } from './write.ts'
import { discardClusters, zeroClusters } from './zero.ts'

const SECTOR = 512

export function truncate(
  image: Image,
  bytes: number,
  options: TruncateOptions,
): MaybePromise<void> {
  return run(resize(image, bytes, options))
}

export function* resize(image: Image, bytes: number, options: TruncateOptions): Routine<void> {
  const { header, geometry, lock } = image
  if (image.dead) throw ioError('ENOMEDIUM')
  if ((options.whole ?? BigInt(bytes)) % BigInt(SECTOR) !== 0n) {
    throw new BlockError(`The new size must be a multiple of ${String(SECTOR)}`)
  }
  if (image.snapshots.length > 0 && geometry.version < 3) {
    throw unsupported("Can't resize a v2 image which has snapshots")
  }
  const old = header.size
  const preallocation = options.preallocation ?? 'off'
  if (bytes < old && preallocation !== 'off') {
    throw new BlockError("Preallocation can't be used for shrinking an image")
  }
  const backing = image.around.backing()
  // What the backing image has beyond the old end must not come to light.
  const covers = backing !== undefined && backing.length() > old
  const zeroes = bytes > old && (options.zero === true || covers)
  yield* lock.during(function* () {
    const entries = l1EntriesFor(geometry, bytes)
    if (bytes < old) yield* shrink(image, bytes, entries)
    else yield* told('Failed to grow the L1 table', growL1(image, entries, true))
    if (preallocation !== 'off') {
      yield* preallocate(image, bytes, preallocation)
    }
    if (zeroes) yield* told('Failed to zero out new clusters', zeroNew(image, old, bytes))
  })
  const head = Math.min(bytes, clusterEnd(geometry, old)) - old
  if (zeroes && head > 0) yield* wait(write(image, old, new Uint8Array(head)))
  yield* lock.during(function* () {
    yield* told(
      'Failed to update the image size',
      writeStable(image.file, FIELD_OFFSETS.size, ONE_WORD.encode({ value: BigInt(bytes) })),
    )
    header.size = bytes
    yield* renewCaches(image)
  })
}

function* zeroNew(image: Image, old: number, bytes: number): Routine<void> {
  const from = clusterEnd(image.geometry, old)
  if (from < bytes) yield* zeroClusters(image, from, bytes - from, false)
}

function* shrink(image: Image, bytes: number, entries: number): Routine<void> {
  const { geometry, header } = image
  const from = clusterEnd(geometry, bytes)
  if (from < header.size) {
    yield* told(
      'Failed to discard cropped clusters',
      discardClusters(image, from, header.size - from, 'always', true),
    )
  }
  yield* told('Failed to reduce the number of L2 tables', shrinkL1(image, entries))
  yield* told('Failed to discard unused refblocks', dropUnusedBlocks(image))
  yield* cutFile(image)
}

/** Ends the file behind the last cluster in use. That it cannot be done is no failure. */
function* cutFile(image: Image): Routine<void> {
  const { clusterBytes } = image.geometry
  const length = image.file.length()
  let clusters = 0
  yield* visitCounted(image, Math.ceil(length / clusterBytes), 'descending', (last) => {
    clusters = last + 1
    return true
  })
  if (clusters === 0) throw new BlockError('Failed to find the last cluster', { errno: 'EIO' })
  if (clusters * clusterBytes >= length) return
  try {
    yield* wait(image.file.truncate(clusters * clusterBytes, { exact: false }))
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    image.around.log(`warning: Failed to truncate the tail of the image: ${error.message}`)
  }
}

/** Gives up refcount blocks that count nothing but perhaps themselves. */
function* dropUnusedBlocks(image: Image): Routine<void> {
  const { refcountTable, geometry, refcountCache, codec } = image
  const kept = new WordTable(refcountTable.bytes.slice())
  for (let index = 0; index < refcountTable.length; index++) {
    const offset = blockOffsetAt(refcountTable, index)
    if (offset === 0) continue
    const block = yield* refcountCache.get(offset)
    const content = block.bytes.slice()
    const own = offset / geometry.clusterBytes
    if (Math.floor(own / geometry.refcountsPerBlock) === index) {
      codec.set(content, own % geometry.refcountsPerBlock, 0)
    }
    if (isZero(content)) kept.set(index, 0, 0)
  }
  yield* writeStable(image.file, image.refcountTableOffset, kept.bytes)
  for (let index = 0; index < refcountTable.length; index++) {
    const offset = blockOffsetAt(refcountTable, index)
    if (offset === 0 || blockOffsetAt(kept, index) !== 0) continue
    yield* freeBlock(image, offset)
    refcountTable.set(index, 0, 0)
  }
}

function unsupported(message: string): BlockError {
  return new BlockError(message, { errno: 'ENOTSUP' })
}
