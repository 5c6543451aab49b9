/** A larger refcount table, and the blocks that count it, at the end of an image. */
import { alignUp } from '../../util/align.ts'
import { assert } from '../../util/assert.ts'
import { ioError } from '../../util/errors.ts'
import type { Routine } from '../../util/routine.ts'
import { WordTable } from '../../util/struct.ts'
import { blockOffsetAt, setEntry } from './entry.ts'
import { ENTRY_BYTES } from './geometry.ts'
import { FIELD_OFFSETS, REFCOUNT_TABLE_PLACE } from './header.ts'
import type { Image } from './image.ts'
import { checkOverlap } from './overlap.ts'
import { refcountMetadata } from './refcount-size.ts'
import { reach, writeStable } from './storage.ts'

/** Largest refcount table that an image is opened with. */
export const MAX_REFCOUNT_TABLE_BYTES = 8 * 2 ** 20

/** Most entries of a table that is made: 7.2 holds the number against what bytes may be. */
const MAX_NEW_ENTRIES = MAX_REFCOUNT_TABLE_BYTES

/** Where something lies in the file. */
interface Place {
  readonly offset: number
  readonly bytes: number
}

export interface RefcountArea {
  /** Where the area ends and the extra clusters can begin. */
  readonly end: number
  /** The table that is no longer in use, for the caller to give back. */
  readonly oldTable: Place
}

/**
 * Puts a new refcount table at the end of the image, with as many new blocks as it takes to count
 * these, itself and `extraClusters` clusters behind the table, which stay free.
 *
 * @param start - Where the area begins; everything from there on is free.
 * @param exact - Make the table just large enough, instead of leaving room.
 * @param orphan - A block that is written but not in any table yet.
 */
export function* placeRefcountArea(
  image: Image,
  start: number,
  extraClusters: number,
  exact: boolean,
  orphan?: { readonly index: number; readonly offset: number },
): Routine<RefcountArea> {
  const { geometry, file, refcountCache } = image
  const { clusterBytes, refcountsPerBlock } = geometry
  assert(start % clusterBytes === 0, 'a refcount area begins with a cluster')
  const clustersBefore = start / clusterBytes + extraClusters
  const { blocks: blockCount } = refcountMetadata(geometry, clustersBefore, !exact)
  const firstIndex = Math.floor(start / clusterBytes / refcountsPerBlock)
  const { table, newBlocks } = prepareTable(image, blockCount, firstIndex, exact, orphan)
  const tableOffset = start + newBlocks * clusterBytes
  const end = tableOffset + table.bytes.length
  let blockOffset = start
  for (let index = firstIndex; index < blockCount; index++) {
    let offset = blockOffsetAt(table, index)
    const isNew = offset === 0
    if (isNew) {
      offset = blockOffset
      blockOffset += clusterBytes
      setEntry(table, index, offset)
    }
    const block = isNew ? yield* refcountCache.fresh(offset) : yield* refcountCache.get(offset)
    const from = Math.max(start, index * refcountsPerBlock * clusterBytes)
    const to = Math.min(end, (index + 1) * refcountsPerBlock * clusterBytes)
    for (let at = from; at < to; at += clusterBytes) {
      image.codec.set(block.bytes, (at / clusterBytes) % refcountsPerBlock, 1)
    }
    block.dirty = true
  }
  yield* reach(file, 'refblock_alloc_write_blocks')
  yield* refcountCache.flush()
  yield* checkOverlap(image, tableOffset, table.bytes.length)
  yield* reach(file, 'refblock_alloc_write_table')
  yield* writeStable(file, tableOffset, table.bytes)
  return { end, oldTable: yield* switchTable(image, table, tableOffset) }
}

function prepareTable(
  image: Image,
  blockCount: number,
  firstIndex: number,
  exact: boolean,
  orphan: { readonly index: number; readonly offset: number } | undefined,
): { readonly table: WordTable; readonly newBlocks: number } {
  const { clusterBytes } = image.geometry
  const entries = exact ? blockCount : blockCount + Math.ceil(blockCount / 2)
  const bytes = alignUp(entries * ENTRY_BYTES, clusterBytes)
  if (bytes > MAX_NEW_ENTRIES * ENTRY_BYTES) throw ioError('EFBIG')
  const table = new WordTable(new Uint8Array(bytes))
  table.bytes.set(image.refcountTable.bytes.subarray(0, bytes))
  if (orphan !== undefined) setEntry(table, orphan.index, orphan.offset)
  let newBlocks = 0
  for (let index = firstIndex; index < blockCount; index++) {
    if (blockOffsetAt(table, index) === 0) newBlocks++
  }
  return { table, newBlocks }
}

function* switchTable(image: Image, table: WordTable, offset: number): Routine<Place> {
  const { file, geometry } = image
  yield* reach(file, 'refblock_alloc_switch_table')
  yield* writeStable(
    file,
    FIELD_OFFSETS.refcountTable,
    REFCOUNT_TABLE_PLACE.encode({ offset, clusters: table.bytes.length / geometry.clusterBytes }),
  )
  const old = { offset: image.refcountTableOffset, bytes: image.refcountTable.bytes.length }
  image.refcountTable = table
  image.refcountTableOffset = offset
  return old
}
