/** Where guest offsets lie in the file. */
import type { Routine } from '../../util/routine.ts'
import { hex } from './bytes.ts'
import { signalCorruption } from './corruption.ts'
import { entryKind, entryOffset, kindAt, offsetAt, type ClusterKind } from './entry.ts'
import { clusterStart } from './geometry.ts'
import type { Image } from './image.ts'
import type { Table } from './table-cache.ts'

export interface Mapping {
  readonly kind: ClusterKind
  /** Where the run begins in the file: `normal` and `zero-allocated` only. */
  readonly hostOffset: number
  /** Length of the run, at least 1. */
  readonly bytes: number
  /** The whole L2 entry of a compressed cluster. */
  readonly compressedEntry?: bigint
}

/** A piece of an L2 table, and an index in it. */
export interface L2Place {
  readonly table: Table
  readonly index: number
  /** Of the whole table, in the file. */
  readonly l2Offset: number
}

export function l1IndexOf(image: Image, offset: number): number {
  return Math.floor(offset / image.geometry.l2Coverage)
}

export function l2IndexOf(image: Image, offset: number): number {
  const { clusterBytes, l2Entries } = image.geometry
  return Math.floor(offset / clusterBytes) % l2Entries
}

/** Entries in one cached piece of an L2 table. */
export function sliceEntries(image: Image): number {
  return image.l2Cache.tableBytes / 8
}

/**
 * Finds the longest run from `offset` that shares one mapping. It ends at the latest where the
 * cached piece of its L2 table does.
 *
 * @throws {BlockError} `EIO` if an entry is damaged; the image is then told of, or given up.
 */
export function* lookUp(image: Image, offset: number, bytes: number): Routine<Mapping> {
  const known = peekMapping(image, offset, bytes)
  if (known !== undefined) return known
  const l1Index = l1IndexOf(image, offset)
  const l2Offset = offsetAt(image.l1, l1Index)
  yield* checkL2Offset(image, l2Offset, l1Index)
  const { table, index } = yield* l2Place(image, l2Offset, offset)
  yield* checkEntry(image, table, index, l2Offset, l2IndexOf(image, offset))
  return runAt(image, table, index, offset, bytes)
}

/** The same where nothing has to be loaded and nothing is damaged. */
export function peekMapping(image: Image, offset: number, bytes: number): Mapping | undefined {
  const { geometry, l1 } = image
  const { clusterBytes } = geometry
  const entries = sliceEntries(image)
  const index = l2IndexOf(image, offset) % entries
  const room = (entries - index) * clusterBytes - (offset % clusterBytes)
  const asked = Math.min(bytes, room)
  const l1Index = l1IndexOf(image, offset)
  const l2Offset = l1Index < l1.length ? offsetAt(l1, l1Index) : 0
  if (l2Offset === 0) return { kind: 'unallocated', hostOffset: 0, bytes: asked }
  if (l2Offset % clusterBytes !== 0) return undefined
  const table = image.l2Cache.peek(sliceOffset(image, l2Offset, offset))
  if (table === undefined || isDamaged(image, table, index)) return undefined
  return runAt(image, table, index, offset, bytes)
}

function runAt(
  image: Image,
  { words }: Table,
  index: number,
  offset: number,
  bytes: number,
): Mapping {
  const { clusterBytes } = image.geometry
  const within = offset % clusterBytes
  const kind = kindAt(words, index)
  if (kind === 'compressed') {
    return {
      kind,
      hostOffset: 0,
      bytes: Math.min(bytes, clusterBytes - within),
      compressedEntry: words.exact(index),
    }
  }
  const start = kind === 'normal' || kind === 'zero-allocated' ? offsetAt(words, index) : 0
  const last = Math.min(words.length, index + Math.ceil((within + bytes) / clusterBytes))
  let next = index + 1
  for (; next < last; next++) {
    const high = words.high(next)
    const low = words.low(next)
    if (entryKind(high, low) !== kind) break
    if (start !== 0 && entryOffset(high, low) !== start + (next - index) * clusterBytes) break
  }
  return {
    kind,
    hostOffset: start === 0 ? 0 : start + within,
    bytes: Math.min(bytes, (next - index) * clusterBytes - within),
  }
}

/** The piece of an L2 table that maps `offset`, and the entry's index in it. */
export function* l2Place(image: Image, l2Offset: number, offset: number): Routine<L2Place> {
  const at = sliceOffset(image, l2Offset, offset)
  const table = image.l2Cache.peek(at) ?? (yield* image.l2Cache.get(at))
  return { table, index: l2IndexOf(image, offset) % sliceEntries(image), l2Offset }
}

function sliceOffset(image: Image, l2Offset: number, offset: number): number {
  const index = l2IndexOf(image, offset)
  return l2Offset + (index - (index % sliceEntries(image))) * 8
}

export function* checkL2Offset(image: Image, l2Offset: number, l1Index: number): Routine<void> {
  if (l2Offset % image.geometry.clusterBytes === 0) return
  yield* signalCorruption(image, {
    message: `L2 table offset ${hex(l2Offset)} unaligned (L1 index: ${hex(l1Index)})`,
    fatal: true,
  })
}

function isDamaged(image: Image, { words }: Table, index: number): boolean {
  const kind = kindAt(words, index)
  if (kind === 'unallocated' || kind === 'compressed') return false
  if (kind !== 'normal' && image.geometry.version < 3) return true
  return offsetAt(words, index) % image.geometry.clusterBytes !== 0
}

function* checkEntry(
  image: Image,
  table: Table,
  index: number,
  l2Offset: number,
  l2Index: number,
): Routine<void> {
  if (!isDamaged(image, table, index)) return
  const place = `(L2 offset: ${hex(l2Offset)}, L2 index: ${hex(l2Index)})`
  const kind = kindAt(table.words, index)
  const offset = hex(offsetAt(table.words, index))
  const preV3 = kind !== 'normal' && image.geometry.version < 3
  yield* signalCorruption(image, {
    message: preV3
      ? `Zero cluster entry found in pre-v3 image ${place}`
      : `Cluster allocation offset ${offset} unaligned ${place}`,
    fatal: true,
  })
}

/** Whole clusters that `bytes` from `offset` touch. */
export function clustersTouched(image: Image, offset: number, bytes: number): number {
  const { geometry } = image
  return (
    (clusterStart(geometry, offset + bytes + geometry.clusterBytes - 1) -
      clusterStart(geometry, offset)) /
    geometry.clusterBytes
  )
}
