/** Counting what refers to clusters: header, L1 and L2 tables, snapshots, bitmaps. */
import { BlockError } from '../../../util/errors.ts'
import { wait, type Routine } from '../../../util/routine.ts'
import { giveBytes, takeBytes } from '../../../util/spare-bytes.ts'
import { WordTable } from '../../../util/struct.ts'
import { compressedPlace, COPIED, entryOffset, kindAt, offsetAt } from '../entry.ts'
import { ENTRY_BYTES } from '../geometry.ts'
import { MAX_L1_BYTES } from '../l1.ts'
import type { Snapshot } from '../snapshots.ts'
import { countBlocks } from './blocks.ts'
import { corrupt, reference, type Checking } from './checking.ts'
import { zeroEntry } from './zero-entry.ts'

const L1_RESERVED = { high: 0x7f00_0000, low: 0x1ff }
const L2_RESERVED = { high: 0x3f00_0000, low: 0x1fe }

/** Whose tables are gone through: those of the disk as it is, or of a snapshot. */
export type TableOwner = 'active' | 'snapshot'

/** @throws {BlockError} for a table that cannot be read. */
export function* countReferences(checking: Checking): Routine<void> {
  const { image } = checking
  const { clusterBytes } = image.geometry
  reference(checking, 0, clusterBytes)
  const active = { l1Offset: image.l1Offset, l1Entries: image.l1.length }
  yield* countL1(checking, active, 'active')
  for (const snapshot of image.snapshots) {
    const problem = problemOf(snapshot, clusterBytes)
    if (problem !== undefined) {
      const { id, name } = snapshot.info
      const text = `${problem}; snapshot table entry corrupted`
      corrupt(checking, `ERROR snapshot ${id} (${name}) ${text}`)
      continue
    }
    const { l1Offset, l1Entries, entry } = snapshot
    yield* countL1(checking, { l1Offset, l1Entries, exact: entry.l1Offset }, 'snapshot')
  }
  reference(checking, image.header.snapshotsOffset, image.snapshotTableBytes)
  yield* countBitmaps(checking)
  reference(checking, image.refcountTableOffset, image.refcountTable.bytes.length)
  yield* countBlocks(checking)
}

/** What keeps a snapshot's tables from being read, if anything does. */
function problemOf({ entry }: Snapshot, clusterBytes: number): string | undefined {
  const { l1Offset, l1Entries } = entry
  if (l1Offset % BigInt(clusterBytes) !== 0n) {
    return `l1_offset=0x${l1Offset.toString(16)}: L1 table is not cluster aligned`
  }
  if (l1Entries * ENTRY_BYTES > MAX_L1_BYTES) {
    return `l1_size=0x${l1Entries.toString(16)}: L1 table is too large`
  }
  return undefined
}

function* readTable(
  checking: Checking,
  offset: number,
  entries: number,
  what: string,
): Routine<WordTable> {
  const table = new WordTable(takeBytes(entries * ENTRY_BYTES))
  try {
    yield* wait(checking.image.file.read(offset, table.bytes))
    return table
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    checking.tell(`ERROR: I/O error in ${what}`)
    checking.found.checkErrors++
    throw error
  }
}

interface L1Place {
  readonly l1Offset: number
  readonly l1Entries: number
  /** The offset, where a number may round it. */
  readonly exact?: bigint
}

function* countL1(checking: Checking, place: L1Place, owner: TableOwner): Routine<void> {
  const { clusterBytes } = checking.image.geometry
  const { l1Offset, l1Entries } = place
  if (l1Entries === 0) return
  reference(checking, l1Offset, l1Entries * ENTRY_BYTES, place.exact)
  const l1 = yield* readTable(checking, l1Offset, l1Entries, 'check_refcounts_l1')
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
    yield* countL2(checking, l2Offset, owner)
  }
  giveBytes(l1.bytes)
}

function* countL2(checking: Checking, l2Offset: number, owner: TableOwner): Routine<void> {
  const { geometry } = checking.image
  const l2 = yield* readTable(checking, l2Offset, geometry.l2Entries, 'check_refcounts_l2')
  let expected: number | undefined
  for (let index = l2.nextSet(0); index < l2.length; index = l2.nextSet(index + 1)) {
    const kind = kindAt(l2, index)
    const reserved =
      (l2.high(index) & L2_RESERVED.high) !== 0 || (l2.low(index) & L2_RESERVED.low) !== 0
    if (kind !== 'compressed' && reserved) {
      corrupt(checking, `ERROR found l2 entry with reserved bits set: ${exact(l2, index)}`)
    }
    if (kind === 'unallocated' || kind === 'zero') continue
    if (kind === 'compressed') {
      countCompressed(checking, l2, index, owner)
      continue
    }
    const offset = offsetAt(l2, index)
    if (offset % geometry.clusterBytes !== 0) {
      if (kind === 'zero-allocated') {
        // What it pointed to is not in use any more.
        if (yield* zeroEntry(checking, { l2Offset, l2, index, owner })) continue
      } else {
        const text = 'Data cluster is not properly aligned; L2 entry corrupted.'
        corrupt(checking, `ERROR offset=${offset.toString(16)}: ${text}`)
      }
    }
    if (owner === 'active') {
      checking.found.allocated++
      if (expected !== undefined && offset !== expected) checking.found.fragmented++
      expected = offset + geometry.clusterBytes
    }
    reference(checking, offset, geometry.clusterBytes)
  }
  giveBytes(l2.bytes)
}

function countCompressed(
  checking: Checking,
  l2: WordTable,
  index: number,
  owner: TableOwner,
): void {
  const place = compressedPlace(checking.image.geometry, l2.exact(index))
  if ((l2.high(index) & COPIED) !== 0) {
    corrupt(
      checking,
      `ERROR: coffset=0x${place.exact.toString(16)}: copied flag must never be set for compressed clusters`,
    )
  }
  reference(checking, place.offset, place.bytes, place.exact)
  if (owner !== 'active') return
  checking.found.allocated++
  checking.found.compressed++
  checking.found.fragmented++
}

function* countBitmaps(checking: Checking): Routine<void> {
  const { image } = checking
  const { bitmapDirectory, geometry } = image
  if (bitmapDirectory === undefined) return
  reference(checking, bitmapDirectory.offset, bitmapDirectory.bytes)
  for (const { tableOffset, tableEntries } of image.bitmaps) {
    reference(checking, tableOffset, tableEntries * ENTRY_BYTES)
    const table = yield* readTable(checking, tableOffset, tableEntries, 'check_refcounts_l1')
    for (let index = table.nextSet(0); index < table.length; index = table.nextSet(index + 1)) {
      const offset = offsetAt(table, index)
      if (offset !== 0) reference(checking, offset, geometry.clusterBytes)
    }
    giveBytes(table.bytes)
  }
}

export function exact(table: WordTable, index: number): string {
  return table.exact(index).toString(16)
}
