/** A new refcount structure, made from the references that were found, beside the old one. */
import { BlockError, errnoText } from '../../../util/errors.ts'
import { alignUp } from '../../../util/align.ts'
import { wait, type Routine } from '../../../util/routine.ts'
import { WordTable } from '../../../util/struct.ts'
import { blockOffsetAt, setEntry } from '../entry.ts'
import { ENTRY_BYTES } from '../geometry.ts'
import { FIELD_OFFSETS, REFCOUNT_TABLE_PLACE } from '../header.ts'
import type { Image } from '../image.ts'
import { checkOverlap } from '../overlap.ts'
import { writeStable } from '../storage.ts'
import type { Checking } from './checking.ts'

/**
 * Writes blocks for all clusters that are referenced, a table of them, and the table's place into
 * the header. What the blocks and the table take is free by the references, and may lie anywhere.
 *
 * @throws {BlockError} with the old structure still in use.
 */
export function* rebuildRefcounts(checking: Checking): Routine<void> {
  const { image, counts, found } = checking
  const { clusterBytes } = image.geometry
  try {
    yield* image.refcountCache.empty()
    let { table } = yield* writeBlocks(checking, new WordTable(new Uint8Array()), {
      start: 0,
      end: checking.clusters,
    })
    for (;;) {
      const clusters = table.bytes.length / clusterBytes
      const start = take(checking, clusters, 0)
      const outcome = yield* writeBlocks(checking, table, { start, end: start + clusters })
      table = outcome.table
      if (!outcome.grown) {
        yield* switchTable(checking, table, start * clusterBytes)
        return
      }
      // It has to lie elsewhere, as a whole.
      for (let at = 0; at < clusters; at++) counts.set(start + at, 0)
    }
  } catch (error) {
    if (error instanceof BlockError) found.checkErrors++
    throw error
  }
}

function take(checking: Checking, clusters: number, from: number): number {
  const start = checking.counts.take(clusters, from)
  checking.clusters = Math.max(checking.clusters, start + clusters)
  return start
}

/** Writes the blocks that count the referenced clusters of a range, and takes clusters for new ones. */
function* writeBlocks(
  checking: Checking,
  known: WordTable,
  range: { readonly start: number; readonly end: number },
): Routine<{ readonly table: WordTable; readonly grown: boolean }> {
  const { image, counts } = checking
  const { clusterBytes, refcountsPerBlock } = image.geometry
  let table = known
  let firstFree = 0
  let { end } = range
  for (let cluster = counts.next(range.start); cluster < end;) {
    const index = Math.floor(cluster / refcountsPerBlock)
    const start = index * refcountsPerBlock
    if (index >= table.length || blockOffsetAt(table, index) === 0) {
      // Not in a block that is written already.
      const own = take(checking, 1, Math.max(firstFree, start))
      firstFree = own + 1
      end = Math.max(end, own + 1)
      table = withRoom(table, index + 1, clusterBytes)
      setEntry(table, index, own * clusterBytes)
    }
    const offset = blockOffsetAt(table, index)
    yield* told(
      image,
      'ERROR writing refblock',
      writeAt(image, offset, blockBytes(checking, start)),
    )
    cluster = counts.next(start + refcountsPerBlock)
  }
  return { table, grown: table !== known }
}

function withRoom(table: WordTable, entries: number, clusterBytes: number): WordTable {
  if (entries <= table.length) return table
  const larger = new WordTable(new Uint8Array(alignUp(entries * ENTRY_BYTES, clusterBytes)))
  larger.bytes.set(table.bytes)
  return larger
}

/** A block as it is to be, from the references. */
function blockBytes({ image, counts }: Checking, start: number): Uint8Array {
  const { geometry, codec } = image
  const bytes = new Uint8Array(geometry.clusterBytes)
  const end = start + geometry.refcountsPerBlock
  for (let at = counts.next(start); at < end; at = counts.next(at + 1)) {
    codec.set(bytes, at - start, counts.get(at))
  }
  return bytes
}

function* switchTable({ image }: Checking, table: WordTable, offset: number): Routine<void> {
  const { file, geometry } = image
  const clusters = table.bytes.length / geometry.clusterBytes
  yield* told(image, 'ERROR writing reftable', writeAt(image, offset, table.bytes))
  const place = REFCOUNT_TABLE_PLACE.encode({ offset, clusters })
  const header = writeStable(file, FIELD_OFFSETS.refcountTable, place)
  yield* told(image, 'ERROR setting reftable', header)
  image.refcountTable = table
  image.refcountTableOffset = offset
}

function* writeAt(image: Image, offset: number, bytes: Uint8Array): Routine<void> {
  yield* checkOverlap(image, offset, bytes.length)
  yield* wait(image.file.write(offset, bytes))
}

function* told<T>(image: Image, what: string, routine: Routine<T>): Routine<T> {
  try {
    return yield* routine
  } catch (error) {
    if (error instanceof BlockError) image.around.log(`${what}: ${errnoText(error.errno)}`)
    throw error
  }
}
