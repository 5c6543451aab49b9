/** The L1 table: making L2 tables that may be written to, growing, shrinking. */
import type { Routine } from '../../util/routine.ts'
import { WordTable } from '../../util/struct.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { wait } from '../../util/routine.ts'
import { signalCorruption } from './corruption.ts'
import { COPIED, entryOffset, isCopied, offsetAt, setEntry } from './entry.ts'
import { ENTRY_BYTES } from './geometry.ts'
import { FIELD_OFFSETS, L1_PLACE } from './header.ts'
import type { Image } from './image.ts'
import { checkL2Offset, l1IndexOf, l2Place, type L2Place } from './mapping.ts'
import { checkOverlap } from './overlap.ts'
import { freeClusters } from './refcount-change.ts'
import { allocateClusters } from './refcounts.ts'
import { reach, writeStable } from './storage.ts'

/** Largest L1 table. */
export const MAX_L1_BYTES = 32 * 2 ** 20

/** The entry that maps `offset`, in an L2 table that belongs to the active disk alone. */
export function* writableL2(image: Image, offset: number): Routine<L2Place> {
  const l1Index = l1IndexOf(image, offset)
  if (l1Index >= image.l1.length) yield* growL1(image, l1Index + 1, false)
  const old = offsetAt(image.l1, l1Index)
  yield* checkL2Offset(image, old, l1Index)
  if (!isCopied(image.l1, l1Index)) {
    yield* makeL2(image, l1Index)
    if (old !== 0) yield* freeClusters(image, old, image.geometry.clusterBytes, 'other')
  }
  return yield* l2Place(image, offsetAt(image.l1, l1Index), offset)
}

/** Allocates an L2 table, with the entries of the one that it replaces if there is one. */
function* makeL2(image: Image, l1Index: number): Routine<void> {
  const { geometry } = image
  const old = { high: image.l1.high(l1Index), low: image.l1.low(l1Index) }
  const oldOffset = entryOffset(old.high, old.low)
  const offset = yield* allocateClusters(image, geometry.clusterBytes)
  if (offset === 0) {
    yield* signalCorruption(image, {
      message: 'Preventing invalid allocation of L2 table at offset 0',
      fatal: true,
    })
  }
  try {
    yield* image.refcountCache.flush()
    yield* fillL2(image, oldOffset, offset)
    setEntry(image.l1, l1Index, offset, COPIED)
    yield* writeL1Entry(image, l1Index)
  } catch (error) {
    image.l1.set(l1Index, old.high, old.low)
    yield* freeClusters(image, offset, geometry.clusterBytes, 'always')
    throw error
  }
}

/** Writes a new L2 table: what an old one holds, or nothing. */
function* fillL2(image: Image, oldOffset: number, offset: number): Routine<void> {
  const { geometry, file, l2Cache } = image
  for (let at = 0; at < geometry.clusterBytes; at += l2Cache.tableBytes) {
    if (oldOffset !== 0) yield* reach(file, 'l2_alloc_cow_read')
    const previous =
      oldOffset === 0 ? undefined : (yield* l2Cache.get(oldOffset + at)).bytes.slice()
    yield* reach(file, 'l2_alloc_write')
    const table = yield* l2Cache.fresh(offset + at)
    if (previous !== undefined) table.bytes.set(previous)
    table.dirty = true
  }
  yield* l2Cache.flush()
}

export function* writeL1Entry(image: Image, l1Index: number): Routine<void> {
  const { file, l1, l1Offset } = image
  const at = l1Index * ENTRY_BYTES
  yield* checkOverlap(image, l1Offset + at, ENTRY_BYTES, 'active-l1')
  yield* reach(file, 'l1_update')
  yield* writeStable(file, l1Offset + at, l1.bytes.slice(at, at + ENTRY_BYTES))
}

/** @param exact - Not more than asked for; else half as much again, so that growing stays rare. */
export function* growL1(image: Image, entries: number, exact: boolean): Routine<void> {
  const { file, l1, l1Offset } = image
  if (entries <= l1.length) return
  let count = exact ? entries : Math.max(1, l1.length)
  while (count < entries) count = Math.ceil((count * 3) / 2)
  if (count * ENTRY_BYTES > MAX_L1_BYTES) throw ioError('EFBIG')
  const table = new WordTable(new Uint8Array(count * ENTRY_BYTES))
  table.bytes.set(l1.bytes)
  yield* reach(file, 'l1_grow_alloc_table')
  const offset = yield* allocateClusters(image, table.bytes.length)
  try {
    yield* image.refcountCache.flush()
    yield* checkOverlap(image, offset, table.bytes.length)
    yield* reach(file, 'l1_grow_write_table')
    yield* writeStable(file, offset, table.bytes)
    yield* reach(file, 'l1_grow_activate_table')
    yield* writeStable(file, FIELD_OFFSETS.l1, L1_PLACE.encode({ entries: count, offset }))
  } catch (error) {
    if (error instanceof BlockError) {
      yield* freeClusters(image, offset, table.bytes.length, 'other')
    }
    throw error
  }
  image.l1 = table
  image.l1Offset = offset
  yield* freeClusters(image, l1Offset, l1.bytes.length, 'other')
}

/** Gives up the L2 tables that only entries from `entries` on point to. The table keeps its place. */
export function* shrinkL1(image: Image, entries: number): Routine<void> {
  const { file, l1, l1Offset, geometry } = image
  if (entries >= l1.length) return
  yield* reach(file, 'l1_shrink_write_table')
  const from = l1Offset + entries * ENTRY_BYTES
  try {
    yield* wait(file.zero(from, (l1.length - entries) * ENTRY_BYTES))
    yield* wait(file.flush())
  } catch (error) {
    // Nobody knows what the image has of them now, so nothing may be written by their word.
    for (let index = entries; index < l1.length; index++) l1.set(index, 0, 0)
    throw error
  }
  yield* reach(file, 'l1_shrink_free_l2_clusters')
  for (let index = l1.length - 1; index >= entries; index--) {
    const offset = offsetAt(l1, index)
    if (offset === 0) continue
    yield* freeClusters(image, offset, geometry.clusterBytes, 'always')
    l1.set(index, 0, 0)
  }
}
