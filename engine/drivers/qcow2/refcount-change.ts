/** Changing counts of references, with the blocks and tables that this takes. */
import { BlockError, ioError } from '../../util/errors.ts'
import type { Routine } from '../../util/routine.ts'
import { WordTable } from '../../util/struct.ts'
import { signalCorruption } from './corruption.ts'
import { blockOffsetAt, setEntry } from './entry.ts'
import { clusterStart, ENTRY_BYTES } from './geometry.ts'
import type { Image } from './image.ts'
import type { DiscardKind } from './options.ts'
import { placeRefcountArea } from './refcount-area.ts'
import { checkBlockOffset, findFree } from './refcount-lookup.ts'
import { reach, writeStable } from './storage.ts'
import type { Table } from './table-cache.ts'

/** An allocation took the place that the caller was about to use: it must look for another. */
export const AGAIN = Symbol('again')

/** Counts may only sink in the file once nothing there maps the clusters any more. */
function* writeMapsFirst({ refcountCache, l2Cache }: Image): Routine<void> {
  try {
    yield* refcountCache.dependOn(l2Cache)
  } catch (error) {
    // 7.2 goes on: what could not be written now is still to be written.
    if (!(error instanceof BlockError)) throw error
  }
}

/**
 * Adds `change` to the counts of all clusters that the range touches. A failure undoes what was
 * done.
 *
 * @returns `AGAIN` if a new refcount block may have taken clusters of the range.
 */
export function* changeRefcounts(
  image: Image,
  offset: number,
  bytes: number,
  change: 1 | -1,
  kind: DiscardKind,
): Routine<typeof AGAIN | undefined> {
  if (bytes === 0) return undefined
  const { clusterBytes } = image.geometry
  const start = clusterStart(image.geometry, offset)
  // Sums of far places are exact as long as they are places of clusters.
  const last = start + clusterStart(image.geometry, offset - start + bytes - 1)
  if (change < 0) yield* writeMapsFirst(image)
  let at = start
  let current: Table | undefined
  let currentIndex = -1
  try {
    for (; at <= last; at += clusterBytes) {
      const index = at / clusterBytes
      const of = Math.floor(index / image.geometry.refcountsPerBlock)
      if (current === undefined || of !== currentIndex) {
        const block = yield* refcountBlockFor(image, index)
        if (block === AGAIN) break
        current = block
        currentIndex = of
      }
      changeOne(image, current, index, change, kind)
    }
  } catch (error) {
    yield* undo(image, start, at, change)
    image.discards.clear()
    throw error
  }
  if (at <= last) {
    // The caller looks at the same clusters first.
    image.freeClusterIndex = Math.min(image.freeClusterIndex, start / clusterBytes)
    yield* undo(image, start, at, change)
    return AGAIN
  }
  if (!image.discards.held) yield* image.discards.process(image.file)
  return undefined
}

function* undo(image: Image, start: number, end: number, change: 1 | -1): Routine<void> {
  try {
    yield* changeRefcounts(image, start, end - start, change === 1 ? -1 : 1, 'never')
  } catch (error) {
    // What cannot be undone either is a leak.
    if (!(error instanceof BlockError)) throw error
  }
}

function changeOne(
  image: Image,
  block: Table,
  index: number,
  change: 1 | -1,
  kind: DiscardKind,
): void {
  const { codec, geometry } = image
  const inBlock = index % geometry.refcountsPerBlock
  const count = codec.get(block.bytes, inBlock) + change
  if (count < 0 || count > geometry.maxRefcount) throw ioError('EINVAL')
  setOne(image, block, index, count, kind)
}

/**
 * Sets the count of a cluster that some block counts already.
 *
 * @param sinks - The count was higher before.
 */
export function* setRefcount(
  image: Image,
  index: number,
  count: number,
  sinks: boolean,
): Routine<void> {
  if (sinks) yield* writeMapsFirst(image)
  const block = yield* refcountBlockFor(image, index)
  if (block === AGAIN) throw ioError('EAGAIN')
  setOne(image, block, index, count, 'always')
  if (!image.discards.held) yield* image.discards.process(image.file)
}

function setOne(image: Image, block: Table, index: number, count: number, kind: DiscardKind): void {
  const { codec, geometry, options } = image
  const inBlock = index % geometry.refcountsPerBlock
  codec.set(block.bytes, inBlock, count)
  block.dirty = true
  if (count > 0) return
  if (index < image.freeClusterIndex) image.freeClusterIndex = index
  const { freeByteOffset, around } = image
  // 7.2 keeps the place in mind, and destroys what is there by the next time.
  if (around.rewritesCompressed && Math.floor(freeByteOffset / geometry.clusterBytes) === index) {
    image.freeByteOffset = 0
  }
  const offset = index * geometry.clusterBytes
  image.refcountCache.drop(offset)
  for (let at = 0; at < geometry.clusterBytes; at += image.l2Cache.tableBytes) {
    image.l2Cache.drop(offset + at)
  }
  if (options.passDiscard[kind]) image.discards.add(offset, geometry.clusterBytes)
}

/** Gives clusters back. A failure leaks them, which is told and goes no further. */
export function* freeClusters(
  image: Image,
  offset: number,
  bytes: number,
  kind: DiscardKind,
): Routine<void> {
  yield* reach(image.file, 'cluster_free')
  try {
    const done = yield* changeRefcounts(image, offset, bytes, -1, kind)
    // Only what was never counted has no block; now it has one, and 7.2 leaves it at that.
    if (done === AGAIN) throw ioError('EAGAIN')
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    image.around.log(`qcow2_free_clusters failed: ${error.message}`, 'bare')
  }
}

/**
 * The block that counts a cluster, made if need be.
 *
 * @returns `AGAIN` if one was made, since it may have taken the cluster in question.
 */
export function* refcountBlockFor(
  image: Image,
  clusterIndex: number,
): Routine<Table | typeof AGAIN> {
  const { refcountTable, geometry } = image
  yield* reach(image.file, 'refblock_alloc')
  // Places in damaged images may be far off; 7.2 keeps 32 bits of where they are counted.
  const index = Math.floor(clusterIndex / geometry.refcountsPerBlock) % 2 ** 32
  if (index < refcountTable.length) {
    const offset = blockOffsetAt(refcountTable, index)
    if (offset !== 0) {
      yield* checkBlockOffset(image, index)
      // Reached whether it is in memory or not, and not by who only looks.
      yield* reach(image.file, 'refblock_load')
      return image.refcountCache.peek(offset) ?? (yield* image.refcountCache.get(offset))
    }
  }
  yield* makeBlock(image, clusterIndex, index)
  return AGAIN
}

function* makeBlock(image: Image, clusterIndex: number, index: number): Routine<void> {
  const { geometry, file, refcountCache } = image
  // Whatever L2 tables point to must be counted before they say so.
  yield* image.l2Cache.flush()
  const offset = yield* findFree(image, geometry.clusterBytes)
  if (offset === 0) {
    yield* signalCorruption(image, {
      message: 'Preventing invalid allocation of refcount block at offset 0',
      fatal: true,
    })
  }
  const own = offset / geometry.clusterBytes
  const countsItself = Math.floor(own / geometry.refcountsPerBlock) === index
  if (!countsItself) {
    const counted = yield* changeRefcounts(image, offset, geometry.clusterBytes, 1, 'never')
    // The block for this one had to be made first, and may have taken its place.
    if (counted === AGAIN) return
    yield* refcountCache.flush()
  }
  const block = yield* refcountCache.fresh(offset)
  if (countsItself) image.codec.set(block.bytes, own % geometry.refcountsPerBlock, 1)
  block.dirty = true
  yield* reach(file, 'refblock_alloc_write')
  yield* refcountCache.flush()
  if (index < image.refcountTable.length) yield* hookUp(image, index, offset)
  else yield* growTable(image, clusterIndex, index, offset)
}

function* hookUp(image: Image, index: number, offset: number): Routine<void> {
  const { file, refcountTable, refcountTableOffset } = image
  const entry = new WordTable(new Uint8Array(ENTRY_BYTES))
  setEntry(entry, 0, offset)
  yield* reach(file, 'refblock_alloc_hookup')
  yield* writeStable(file, refcountTableOffset + index * ENTRY_BYTES, entry.bytes)
  setEntry(refcountTable, index, offset)
}

/** The new table and what counts it go behind all clusters that the old one can count. */
function* growTable(
  image: Image,
  clusterIndex: number,
  index: number,
  block: number,
): Routine<void> {
  const { geometry, file } = image
  yield* reach(file, 'reftable_grow')
  const perBlock = geometry.refcountsPerBlock
  const highest = Math.max(clusterIndex + 1, block / geometry.clusterBytes)
  const start = Math.ceil(highest / perBlock) * perBlock * geometry.clusterBytes
  const { oldTable } = yield* placeRefcountArea(image, start, 0, false, { index, offset: block })
  yield* freeClusters(image, oldTable.offset, oldTable.bytes, 'other')
}
