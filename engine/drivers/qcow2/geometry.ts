/** What follows from cluster size, refcount width and version: fixed for an image's life. */

/** Bytes of an entry of the L1, L2 and refcount tables. */
export const ENTRY_BYTES = 8

export interface Geometry {
  readonly version: 2 | 3
  readonly clusterBits: number
  readonly clusterBytes: number
  /** Entries of a whole L2 table. */
  readonly l2Entries: number
  /** Guest bytes that one L2 table maps. */
  readonly l2Coverage: number
  readonly refcountOrder: number
  readonly refcountBits: number
  /** Refcounts in one block. */
  readonly refcountsPerBlock: number
  /** The largest count that fits; rounded for 64 bits. */
  readonly maxRefcount: number
  /** Where the cluster count begins in a compressed cluster's entry. */
  readonly compressedSizeShift: number
}

export function geometryOf(version: 2 | 3, clusterBits: number, refcountOrder: number): Geometry {
  const clusterBytes = 2 ** clusterBits
  const refcountBits = 2 ** refcountOrder
  return {
    version,
    clusterBits,
    clusterBytes,
    l2Entries: clusterBytes / ENTRY_BYTES,
    l2Coverage: (clusterBytes / ENTRY_BYTES) * clusterBytes,
    refcountOrder,
    refcountBits,
    refcountsPerBlock: (clusterBytes * 8) / refcountBits,
    maxRefcount: refcountBits === 64 ? 2 ** 63 - 1 : 2 ** refcountBits - 1,
    compressedSizeShift: 62 - (clusterBits - 8),
  }
}

export function clusterStart(geometry: Geometry, offset: number): number {
  return offset - (offset % geometry.clusterBytes)
}

export function clusterEnd(geometry: Geometry, offset: number): number {
  return clusterStart(geometry, offset + geometry.clusterBytes - 1)
}

/** Entries that an L1 table needs for a disk of `bytes`. */
export function l1EntriesFor(geometry: Geometry, bytes: number): number {
  return Math.ceil(bytes / geometry.l2Coverage)
}
