/** Taking clusters and giving them back. */
import { BlockError } from '../../util/errors.ts'
import type { Routine } from '../../util/routine.ts'
import type { WordTable } from '../../util/struct.ts'
import { hex } from './bytes.ts'
import { signalCorruption } from './corruption.ts'
import { compressedPlace, kindAt, offsetAt } from './entry.ts'
import type { Image } from './image.ts'
import type { DiscardKind } from './options.ts'
import { AGAIN, changeRefcounts, freeClusters } from './refcount-change.ts'
import { blockOf, findFree, refcountOf } from './refcount-lookup.ts'
import { reach } from './storage.ts'

/** Takes consecutive clusters for `bytes`. */
export function* allocateClusters(image: Image, bytes: number): Routine<number> {
  yield* reach(image.file, 'cluster_alloc')
  for (;;) {
    const offset = yield* findFree(image, bytes)
    if ((yield* changeRefcounts(image, offset, bytes, 1, 'never')) !== AGAIN) return offset
  }
}

/**
 * Takes as many of the `clusters` clusters at `offset` as are free, from the first on.
 *
 * @returns how many; none where the first is in use.
 */
export function* allocateClustersAt(
  image: Image,
  offset: number,
  clusters: number,
): Routine<number> {
  const { clusterBytes } = image.geometry
  for (;;) {
    const first = offset / clusterBytes
    let free = 0
    while (free < clusters && (yield* refcountOf(image, first + free)) === 0) free++
    const done = yield* changeRefcounts(image, offset, free * clusterBytes, 1, 'never')
    if (done !== AGAIN) return free
  }
}

/** Gives back what an L2 entry pointed to. The entry is a copy: the table has changed already. */
export function* freeEntry(
  image: Image,
  entry: WordTable,
  index: number,
  kind: DiscardKind,
): Routine<void> {
  const { geometry } = image
  const clusterKind = kindAt(entry, index)
  if (clusterKind === 'compressed') {
    const place = compressedPlace(geometry, entry.exact(index))
    yield* freeClusters(image, place.offset, place.bytes, kind)
    return
  }
  if (clusterKind !== 'normal' && clusterKind !== 'zero-allocated') return
  const offset = offsetAt(entry, index)
  if (offset % geometry.clusterBytes === 0) {
    yield* freeClusters(image, offset, geometry.clusterBytes, kind)
    return
  }
  try {
    yield* signalCorruption(image, {
      message: `Cannot free unaligned cluster ${hex(offset)}`,
      fatal: false,
    })
  } catch (error) {
    // Only the leak remains; the request itself goes on.
    if (!(error instanceof BlockError)) throw error
  }
}

/** Gives up a refcount block that counts nothing any more. */
export function* freeBlock(image: Image, offset: number): Routine<void> {
  const { geometry, codec } = image
  const index = offset / geometry.clusterBytes
  const block = yield* blockOf(image, index)
  const inBlock = index % geometry.refcountsPerBlock
  const count = block === undefined ? 0 : codec.get(block.bytes, inBlock)
  if (block === undefined || count !== 1) {
    yield* signalCorruption(image, {
      message: `Invalid refcount: refblock offset ${hex(offset)}, reftable index ${String(Math.floor(index / geometry.refcountsPerBlock))}, block offset ${hex(offset)}, refcount ${hex(count)}`,
      offset,
      bytes: geometry.clusterBytes,
      fatal: true,
    })
    return
  }
  codec.set(block.bytes, inBlock, 0)
  block.dirty = true
  if (index < image.freeClusterIndex) image.freeClusterIndex = index
  image.refcountCache.drop(offset)
  if (image.options.passDiscard.other) image.discards.add(offset, geometry.clusterBytes)
  if (!image.discards.held) yield* image.discards.process(image.file)
}
