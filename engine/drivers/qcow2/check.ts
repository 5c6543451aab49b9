/** Checking an image: every reference is counted and compared with what the refcounts say. */
import type { CheckReport } from '../../block/driver.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { WordTable } from '../../util/struct.ts'
import { compressedPlace, COPIED, entryOffset, kindAt, offsetAt, blockOffsetAt } from './entry.ts'
import { ENTRY_BYTES } from './geometry.ts'
import type { Image } from './image.ts'
import { peekRefcount, refcountOf } from './refcount-lookup.ts'
import { ReferenceCounts } from './reference-counts.ts'

/** What a check has found so far. */
interface Checking {
  readonly image: Image
  readonly counts: ReferenceCounts
  readonly lines: string[]
  /** Clusters of the file. */
  clusters: number
  corruptions: number
  leaks: number
  checkErrors: number
  allocated: number
  fragmented: number
  compressed: number
}

const INT_MAX = 2 ** 31 - 1
const L1_RESERVED = { high: 0x7f00_0000, low: 0x1ff }
const L2_RESERVED = { high: 0x3f00_0000, low: 0x1fe }
const REFCOUNT_TABLE_RESERVED = 0x1ff

/** With the lock held. */
export function* checkImage(image: Image): Routine<CheckReport> {
  const { clusterBytes } = image.geometry
  const checking: Checking = {
    image,
    counts: new ReferenceCounts(),
    lines: [],
    clusters: Math.ceil(image.file.length() / clusterBytes),
    corruptions: 0,
    leaks: 0,
    checkErrors: 0,
    allocated: 0,
    fragmented: 0,
    compressed: 0,
  }
  if (checking.clusters > INT_MAX) throw ioError('EFBIG')
  yield* countAll(checking)
  const highest = yield* compareCounts(checking)
  yield* checkCopied(checking)
  return {
    lines: checking.lines,
    corruptions: checking.corruptions,
    leaks: checking.leaks,
    checkErrors: checking.checkErrors,
    imageEnd: (highest + 1) * clusterBytes,
    total: Math.ceil(image.header.size / clusterBytes),
    allocated: checking.allocated,
    fragmented: checking.fragmented,
    compressed: checking.compressed,
  }
}

function corrupt(checking: Checking, line: string): void {
  checking.lines.push(line)
  checking.corruptions++
}

function* countAll(checking: Checking): Routine<void> {
  const { image } = checking
  const { clusterBytes } = image.geometry
  count(checking, 0, clusterBytes)
  yield* countL1(checking, image.l1Offset, image.l1, true)
  for (const snapshot of image.snapshots) {
    const about = `ERROR snapshot ${snapshot.info.id} (${snapshot.info.name})`
    if (snapshot.l1Offset % clusterBytes !== 0) {
      const offset = `0x${snapshot.l1Offset.toString(16)}`
      corrupt(
        checking,
        `${about} l1_offset=${offset}: L1 table is not cluster aligned; snapshot table entry corrupted`,
      )
      continue
    }
    const l1 = yield* readTable(checking, snapshot.l1Offset, snapshot.l1Entries)
    if (l1 !== undefined) yield* countL1(checking, snapshot.l1Offset, l1, false)
  }
  if (image.snapshots.length > 0) {
    count(checking, image.header.snapshotsOffset, image.snapshotTableBytes)
  }
  yield* countBitmaps(checking)
  count(checking, image.refcountTableOffset, image.refcountTable.bytes.length)
  countBlocks(checking)
}

/** Counts a reference to each cluster that the range touches. */
function count(checking: Checking, offset: number, bytes: number): boolean {
  const { image, counts, lines } = checking
  if (bytes <= 0) return true
  const { clusterBytes } = image.geometry
  if (offset + bytes - image.file.length() >= clusterBytes) {
    lines.push(
      'ERROR: counting reference for region exceeding the end of the file by one cluster or ' +
        `more: offset 0x${offset.toString(16)} size 0x${bytes.toString(16)}`,
    )
    return false
  }
  const last = Math.floor((offset + bytes - 1) / clusterBytes)
  for (let index = Math.floor(offset / clusterBytes); index <= last; index++) {
    if (counts.get(index) < image.geometry.maxRefcount) counts.add(index)
    else reportOverflow(checking, index * clusterBytes)
  }
  return true
}

function reportOverflow(checking: Checking, offset: number): void {
  corrupt(checking, `ERROR: overflow cluster offset=0x${offset.toString(16)}`)
  checking.lines.push(
    'Use qemu-img amend to increase the refcount entry width or qemu-img convert to create a ' +
      'clean copy if the image cannot be opened for writing',
  )
}

function reference(checking: Checking, offset: number, bytes: number): void {
  if (!count(checking, offset, bytes)) checking.corruptions++
}

function* readTable(
  checking: Checking,
  offset: number,
  entries: number,
): Routine<WordTable | undefined> {
  const table = new WordTable(new Uint8Array(entries * ENTRY_BYTES))
  try {
    if (entries > 0) yield* wait(checking.image.file.read(offset, table.bytes))
    return table
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    checking.lines.push('ERROR: I/O error in check_refcounts_l1')
    checking.checkErrors++
    return undefined
  }
}

function* countL1(
  checking: Checking,
  offset: number,
  l1: WordTable,
  active: boolean,
): Routine<void> {
  const { clusterBytes, l2Entries } = checking.image.geometry
  reference(checking, offset, l1.bytes.length)
  for (let index = l1.nextSet(0); index < l1.length; index = l1.nextSet(index + 1)) {
    const high = l1.high(index)
    const low = l1.low(index)
    if ((high & L1_RESERVED.high) !== 0 || (low & L1_RESERVED.low) !== 0) {
      corrupt(checking, `ERROR found L1 entry with reserved bits set: ${exact(l1, index)}`)
    }
    const l2Offset = entryOffset(high, low)
    reference(checking, l2Offset, clusterBytes)
    if (l2Offset % clusterBytes !== 0) {
      corrupt(
        checking,
        `ERROR l2_offset=${l2Offset.toString(16)}: Table is not cluster aligned; L1 entry corrupted`,
      )
    }
    const l2 = yield* readTable(checking, l2Offset, l2Entries)
    if (l2 !== undefined) countL2(checking, l2, active)
  }
}

function countL2(checking: Checking, l2: WordTable, active: boolean): void {
  const { geometry } = checking.image
  let expected: number | undefined
  for (let index = l2.nextSet(0); index < l2.length; index = l2.nextSet(index + 1)) {
    const kind = kindAt(l2, index)
    const high = l2.high(index)
    const low = l2.low(index)
    if (
      kind !== 'compressed' &&
      ((high & L2_RESERVED.high) !== 0 || (low & L2_RESERVED.low) !== 0)
    ) {
      corrupt(checking, `ERROR found l2 entry with reserved bits set: ${exact(l2, index)}`)
    }
    if (kind === 'unallocated' || kind === 'zero') continue
    if (kind === 'compressed') {
      countCompressed(checking, l2, index, active)
      continue
    }
    const offset = offsetAt(l2, index)
    if (offset % geometry.clusterBytes !== 0) {
      const what = kind === 'zero-allocated' ? 'Preallocated cluster' : 'Data cluster'
      corrupt(
        checking,
        `ERROR offset=${offset.toString(16)}: ${what} is not properly aligned; L2 entry corrupted.`,
      )
    }
    if (active) {
      checking.allocated++
      if (expected !== undefined && offset !== expected) checking.fragmented++
      expected = offset + geometry.clusterBytes
    }
    reference(checking, offset, geometry.clusterBytes)
  }
}

function countCompressed(checking: Checking, l2: WordTable, index: number, active: boolean): void {
  const place = compressedPlace(checking.image.geometry, l2.exact(index))
  if ((l2.high(index) & COPIED) !== 0) {
    const sector = place.offset - (place.offset % 512)
    corrupt(
      checking,
      `ERROR: coffset=0x${sector.toString(16)}: copied flag must never be set for compressed clusters`,
    )
  }
  reference(checking, place.offset, place.bytes)
  if (!active) return
  checking.allocated++
  checking.compressed++
  checking.fragmented++
}

function* countBitmaps(checking: Checking): Routine<void> {
  const { image } = checking
  const { bitmapDirectory, geometry } = image
  if (bitmapDirectory === undefined) return
  reference(checking, bitmapDirectory.offset, bitmapDirectory.bytes)
  for (const { tableOffset, tableEntries } of image.bitmaps) {
    reference(checking, tableOffset, tableEntries * ENTRY_BYTES)
    const table = yield* readTable(checking, tableOffset, tableEntries)
    for (let index = 0; index < (table?.length ?? 0); index++) {
      if (table === undefined) break
      const offset = offsetAt(table, index)
      if (offset !== 0) reference(checking, offset, geometry.clusterBytes)
    }
  }
}

function countBlocks(checking: Checking): void {
  const { image, counts } = checking
  const { refcountTable, geometry } = image
  for (
    let index = refcountTable.nextSet(0);
    index < refcountTable.length;
    index = refcountTable.nextSet(index + 1)
  ) {
    const offset = blockOffsetAt(refcountTable, index)
    if ((refcountTable.low(index) & REFCOUNT_TABLE_RESERVED) !== 0) {
      corrupt(checking, `ERROR refcount table entry ${String(index)} has reserved bits set`)
      continue
    }
    if (offset % geometry.clusterBytes !== 0) {
      corrupt(
        checking,
        `ERROR refcount block ${String(index)} is not cluster aligned; refcount table entry corrupted`,
      )
      continue
    }
    const cluster = offset / geometry.clusterBytes
    if (cluster >= checking.clusters) {
      corrupt(checking, `ERROR refcount block ${String(index)} is outside image`)
      continue
    }
    if (offset === 0) continue
    reference(checking, offset, geometry.clusterBytes)
    const found = counts.get(cluster)
    if (found !== 1) {
      corrupt(checking, `ERROR refcount block ${String(index)} refcount=${String(found)}`)
    }
  }
}

/** @returns the highest cluster that is in use or counted as such. */
function* compareCounts(checking: Checking): Routine<number> {
  const { image, counts, lines } = checking
  const perBlock = image.geometry.refcountsPerBlock
  let highest = 0
  for (let index = 0; index < checking.clusters; index++) {
    const block = Math.floor(index / perBlock)
    if (block >= image.refcountTable.length || blockOffsetAt(image.refcountTable, block) === 0) {
      // Nothing is counted in this block: only what is referenced counts.
      const next = Math.min((block + 1) * perBlock, counts.nextPossible(index))
      if (next > index) {
        index = next - 1
        continue
      }
    }
    const counted = peekRefcount(image, index) ?? (yield* countedOrError(checking, index))
    if (counted === undefined) continue
    const found = counts.get(index)
    if (counted > 0 || found > 0) highest = index
    if (counted === found) continue
    const what = counted < found ? 'ERROR' : 'Leaked'
    lines.push(
      `${what} cluster ${String(index)} refcount=${decimal(counted)} reference=${String(found)}`,
    )
    if (counted < found) checking.corruptions++
    else checking.leaks++
  }
  return highest
}

function* countedOrError(checking: Checking, index: number): Routine<number | undefined> {
  try {
    return yield* refcountOf(checking.image, index)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    checking.lines.push(`Can't get refcount for cluster ${String(index)}: ${error.message}`)
    checking.checkErrors++
    return undefined
  }
}

/** An entry is marked as copied exactly where what it points to has one reference. */
function* checkCopied(checking: Checking): Routine<void> {
  const { image } = checking
  const { geometry, l1 } = image
  for (let index = l1.nextSet(0); index < l1.length; index = l1.nextSet(index + 1)) {
    const l2Offset = offsetAt(l1, index)
    if (l2Offset === 0) continue
    const refcount = yield* refcountOfOffset(image, l2Offset)
    if (refcount === undefined) continue
    if ((refcount === 1) !== ((l1.high(index) & COPIED) !== 0)) {
      corrupt(
        checking,
        `ERROR OFLAG_COPIED L2 cluster: l1_index=${String(index)} ` +
          `l1_entry=${exact(l1, index)} refcount=${decimal(refcount)}`,
      )
    }
    const l2 = yield* readTable(checking, l2Offset, geometry.l2Entries)
    if (l2 !== undefined) yield* checkCopiedL2(checking, l2)
  }
}

function* checkCopiedL2(checking: Checking, l2: WordTable): Routine<void> {
  for (let index = l2.nextSet(0); index < l2.length; index = l2.nextSet(index + 1)) {
    const kind = kindAt(l2, index)
    if (kind !== 'normal' && kind !== 'zero-allocated') continue
    const refcount = yield* refcountOfOffset(checking.image, offsetAt(l2, index))
    if (refcount === undefined) continue
    if ((refcount === 1) === ((l2.high(index) & COPIED) !== 0)) continue
    corrupt(
      checking,
      `ERROR OFLAG_COPIED data cluster: l2_entry=${exact(l2, index)} refcount=${decimal(refcount)}`,
    )
  }
}

/** Nothing where it cannot be read, which was told before. */
function* refcountOfOffset(image: Image, offset: number): Routine<number | undefined> {
  try {
    return yield* refcountOf(image, Math.floor(offset / image.geometry.clusterBytes))
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return undefined
  }
}

function exact(table: WordTable, index: number): string {
  return table.exact(index).toString(16)
}

function decimal(count: number): string {
  return BigInt(count).toString()
}
