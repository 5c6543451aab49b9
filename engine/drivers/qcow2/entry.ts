/**
 * Entries of the L1 and L2 tables. They come as 32-bit halves: offsets are multiples of 512 below
 * 2^56, which a number holds exactly, flags are in the top byte and the lowest bit.
 */
import { WordTable } from '../../util/struct.ts'
import { ENTRY_BYTES, type Geometry } from './geometry.ts'

/** The refcount of what the entry points to is exactly one: it may be written in place. */
export const COPIED = 0x8000_0000
export const COMPRESSED = 0x4000_0000
/** In the low half. */
export const ZERO = 1

const HIGH_OFFSET_MASK = 0x00ff_ffff
const LOW_OFFSET_MASK = 0xffff_fe00

/** What an L2 entry says of its cluster. */
export type ClusterKind =
  | 'unallocated'
  /** Reads as zeroes and has no storage. */
  | 'zero'
  /** Reads as zeroes, with storage set aside. */
  | 'zero-allocated'
  | 'normal'
  | 'compressed'

/** The kinds with a cluster of their own. */
export function isAllocated(kind: ClusterKind): boolean {
  return kind === 'normal' || kind === 'compressed' || kind === 'zero-allocated'
}

export function entryOffset(high: number, low: number): number {
  return (high & HIGH_OFFSET_MASK) * 2 ** 32 + ((low & LOW_OFFSET_MASK) >>> 0)
}

export function entryKind(high: number, low: number): ClusterKind {
  if ((high & COMPRESSED) !== 0) return 'compressed'
  const hasOffset = (high & HIGH_OFFSET_MASK) !== 0 || (low & LOW_OFFSET_MASK) !== 0
  if ((low & ZERO) !== 0) return hasOffset ? 'zero-allocated' : 'zero'
  return hasOffset ? 'normal' : 'unallocated'
}

export function offsetAt(table: WordTable, index: number): number {
  return entryOffset(table.high(index), table.low(index))
}

/** Where a refcount block lies; entries of that table use all bits above the lowest nine. */
export function blockOffsetAt(table: WordTable, index: number): number {
  return table.high(index) * 2 ** 32 + ((table.low(index) & LOW_OFFSET_MASK) >>> 0)
}

/** The same with all of its bits, which damaged entries have more of than a number keeps. */
export function exactBlockOffsetAt(table: WordTable, index: number): bigint {
  return (BigInt(table.high(index)) << 32n) | BigInt((table.low(index) & LOW_OFFSET_MASK) >>> 0)
}

/** Also where it has more bits than a number keeps. @param clusterBytes - At most 2^31. */
export function isBlockAligned(table: WordTable, index: number, clusterBytes: number): boolean {
  return (table.low(index) & LOW_OFFSET_MASK & (clusterBytes - 1)) === 0
}

export function kindAt(table: WordTable, index: number): ClusterKind {
  return entryKind(table.high(index), table.low(index))
}

export function isCopied(table: WordTable, index: number): boolean {
  return (table.high(index) & COPIED) !== 0
}

/** One entry as it is now, as a table of its own. */
export function entryCopy({ bytes }: WordTable, index: number): WordTable {
  return new WordTable(bytes.slice(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES))
}

/** Writes an entry that points to `offset` with the flag bits given for either half. */
export function setEntry(
  table: WordTable,
  index: number,
  offset: number,
  highFlags = 0,
  lowFlags = 0,
): void {
  const high = (Math.floor(offset / 2 ** 32) | highFlags) >>> 0
  table.set(index, high, ((offset % 2 ** 32) | lowFlags) >>> 0)
}

/** Where a compressed cluster lies; as read, it fills whole sectors. */
export interface CompressedPlace {
  readonly offset: number
  readonly bytes: number
}

const SECTOR = 512

/** The entry of a compressed cluster, whose refcount it never takes to be one. */
export function compressedEntry(geometry: Geometry, { offset, bytes }: CompressedPlace): bigint {
  const sectors = Math.floor((offset + bytes - 1) / SECTOR) - Math.floor(offset / SECTOR)
  const size = BigInt(sectors) << BigInt(geometry.compressedSizeShift)
  return (BigInt(COMPRESSED) << 32n) | size | BigInt(offset)
}

export function compressedPlace(
  geometry: Geometry,
  entry: bigint,
): CompressedPlace & {
  /** The offset, which a number may round in a damaged entry. */
  readonly exact: bigint
} {
  const shift = BigInt(geometry.compressedSizeShift)
  const offset = entry & ((1n << shift) - 1n)
  const sectors = (entry >> shift) & ((1n << BigInt(geometry.clusterBits - 8)) - 1n)
  const within = offset % BigInt(SECTOR)
  return {
    offset: Number(offset),
    exact: offset,
    bytes: Number((sectors + 1n) * BigInt(SECTOR) - within),
  }
}
