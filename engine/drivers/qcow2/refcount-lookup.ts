/** Reading counts of references to clusters, and finding free ones. */
import { ioError } from '../../util/errors.ts'
import type { Routine } from '../../util/routine.ts'
import { hex } from './bytes.ts'
import { signalCorruption } from './corruption.ts'
import { blockOffsetAt, exactBlockOffsetAt, isBlockAligned } from './entry.ts'
import type { Image } from './image.ts'
import type { Table } from './table-cache.ts'

/** Clusters lie below this: offsets have 56 bits. */
export const MAX_HOST_OFFSET = 2 ** 56

/** The count of one cluster, if that takes no reading: most often its block is in memory. */
export function peekRefcount(image: Image, clusterIndex: number): number | undefined {
  const { geometry, refcountTable } = image
  const index = Math.floor(clusterIndex / geometry.refcountsPerBlock)
  if (index >= refcountTable.length) return 0
  const offset = blockOffsetAt(refcountTable, index)
  if (offset === 0) return 0
  if (!isBlockAligned(refcountTable, index, geometry.clusterBytes)) return undefined
  const block = image.refcountCache.peek(offset)
  return block && image.codec.get(block.bytes, clusterIndex % geometry.refcountsPerBlock)
}

/** The count of one cluster; clusters without a block are free. */
export function* refcountOf(image: Image, clusterIndex: number): Routine<number> {
  const block = yield* blockOf(image, clusterIndex)
  if (block === undefined) return 0
  return image.codec.get(block.bytes, clusterIndex % image.geometry.refcountsPerBlock)
}

/** The block that counts a cluster, if there is one. */
export function* blockOf(image: Image, clusterIndex: number): Routine<Table | undefined> {
  const { geometry, refcountTable } = image
  const index = Math.floor(clusterIndex / geometry.refcountsPerBlock)
  if (index >= refcountTable.length) return undefined
  const offset = blockOffsetAt(refcountTable, index)
  if (offset === 0) return undefined
  yield* checkBlockOffset(image, index)
  return image.refcountCache.peek(offset) ?? (yield* image.refcountCache.get(offset))
}

/** @throws {BlockError} `EIO` where the block does not begin where a cluster does. */
export function* checkBlockOffset(image: Image, index: number): Routine<void> {
  if (isBlockAligned(image.refcountTable, index, image.geometry.clusterBytes)) return
  const offset = exactBlockOffsetAt(image.refcountTable, index)
  yield* signalCorruption(image, {
    message: `Refblock offset ${hex(offset)} unaligned (reftable index: ${hex(index)})`,
    fatal: true,
  })
}

/**
 * Finds consecutive free clusters, without taking them.
 *
 * @returns where they begin.
 */
export function* findFree(image: Image, bytes: number, limit = MAX_HOST_OFFSET): Routine<number> {
  const { clusterBytes } = image.geometry
  // What is about to be discarded must not be in use again by then.
  if (image.discards.held) yield* image.discards.process(image.file)
  const wanted = Math.ceil(bytes / clusterBytes)
  let found = 0
  while (found < wanted) {
    const index = image.freeClusterIndex
    const count = peekRefcount(image, index) ?? (yield* refcountOf(image, index))
    image.freeClusterIndex = index + 1
    found = count === 0 ? found + 1 : 0
  }
  const first = image.freeClusterIndex - wanted
  if (image.freeClusterIndex * clusterBytes > limit) throw ioError('EFBIG')
  return first * clusterBytes
}

/**
 * Goes through the clusters below `clusters` that are counted at all, block by block, so that the
 * empty parts of huge files cost nothing.
 *
 * @param visit - Gets the index of each cluster with a count; stops the walk by returning true.
 */
export function* visitCounted(
  image: Image,
  clusters: number,
  order: 'ascending' | 'descending',
  visit: (cluster: number) => boolean,
): Routine<void> {
  const { refcountTable, geometry, codec } = image
  const perBlock = geometry.refcountsPerBlock
  const blocks = Math.min(refcountTable.length, Math.ceil(clusters / perBlock))
  for (let step = 0; step < blocks; step++) {
    const index = order === 'ascending' ? step : blocks - 1 - step
    if (blockOffsetAt(refcountTable, index) === 0) continue
    const block = yield* blockOf(image, index * perBlock)
    if (block === undefined) continue
    const count = Math.min(perBlock, clusters - index * perBlock)
    for (let within = 0; within < count; within++) {
      const at = order === 'ascending' ? within : count - 1 - within
      if (codec.get(block.bytes, at) > 0 && visit(index * perBlock + at)) return
    }
  }
}
