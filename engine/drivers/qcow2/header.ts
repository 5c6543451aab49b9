/** The header of an image, versions 2 and 3, as it lies at offset 0. All integers are big-endian. */
import {
  be32,
  be64,
  be64Number,
  reserved,
  struct,
  u8,
  type FieldValues,
} from '../../util/struct.ts'

/** "QFI\xfb". */
export const MAGIC = 0x5146_49fb

/** Bytes 0-71: all of version 2 and the start of version 3. */
export const HEADER = struct(72, {
  magic: be32(0),
  version: be32(4),
  /** Where the name of the backing file is; 0 means there is none. */
  backingFileOffset: be64(8),
  /** Bytes, at most 1023, not NUL-terminated. */
  backingFileBytes: be32(16),
  /** log2 of the cluster size. */
  clusterBits: be32(20),
  /** Virtual disk size in bytes. */
  size: be64(24),
  cryptMethod: be32(32),
  /** Entries, not bytes. */
  l1Entries: be32(36),
  l1Offset: be64(40),
  refcountTableOffset: be64(48),
  /** Clusters, not bytes. */
  refcountTableClusters: be32(56),
  snapshotCount: be32(60),
  snapshotsOffset: be64(64),
})

/** Bytes 72-103, from version 3 on; counted from byte 72 here. */
export const HEADER_V3 = struct(32, {
  incompatible: be64(0),
  compatible: be64(8),
  autoclear: be64(16),
  /** log2 of a refcount's width in bits. */
  refcountOrder: be32(24),
  /** Bytes of the whole header; extensions follow. */
  headerBytes: be32(28),
})

/** Bytes 104-111, there when the header says that it is that long. */
export const HEADER_TAIL = struct(8, {
  compressionType: u8(0),
  padding: reserved(1, 7),
})

/** A header extension: these 8 bytes, the data, padding to a multiple of 8. */
export const EXTENSION = struct(8, {
  type: be32(0),
  bytes: be32(4),
})

export const HEADER_V3_END = HEADER.size + HEADER_V3.size
export const HEADER_FULL_BYTES = HEADER_V3_END + HEADER_TAIL.size

export type HeaderFields = FieldValues<typeof HEADER.fields>

/** Fields that are written alone, as the image changes. */
export const FIELD_OFFSETS = {
  size: HEADER.fields.size.offset,
  /** `l1Entries` and `l1Offset` lie side by side. */
  l1: HEADER.fields.l1Entries.offset,
  /** `refcountTableOffset` and `refcountTableClusters` lie side by side. */
  refcountTable: HEADER.fields.refcountTableOffset.offset,
  /** `snapshotCount` and `snapshotsOffset` lie side by side. */
  snapshots: HEADER.fields.snapshotCount.offset,
  incompatible: HEADER.size + HEADER_V3.fields.incompatible.offset,
} as const

/** The part of the header that moves the L1 table. */
export const L1_PLACE = struct(12, { entries: be32(0), offset: be64Number(4) })
/** The part of the header that moves the refcount table. */
export const REFCOUNT_TABLE_PLACE = struct(12, { offset: be64Number(0), clusters: be32(8) })
/** The part of the header that moves the table of snapshots. */
export const SNAPSHOTS_PLACE = struct(12, { count: be32(0), offset: be64Number(4) })
/** One 64-bit field alone. */
export const ONE_WORD = struct(8, { value: be64(0) })

export const INCOMPATIBLE = {
  dirty: 1n << 0n,
  corrupt: 1n << 1n,
  dataFile: 1n << 2n,
  compression: 1n << 3n,
  extendedL2: 1n << 4n,
} as const

export const COMPATIBLE = { lazyRefcounts: 1n << 0n } as const

export const AUTOCLEAR = {
  bitmaps: 1n << 0n,
  dataFileRaw: 1n << 1n,
} as const

export const KNOWN_INCOMPATIBLE = Object.values(INCOMPATIBLE).reduce((all, bit) => all | bit)

export const EXTENSION_TYPE = {
  end: 0,
  backingFormat: 0xe279_2aca,
  featureNames: 0x6803_f857,
  bitmaps: 0x2385_2875,
  encryption: 0x0537_be77,
  dataFile: 0x4441_5441,
} as const

export const CRYPT = { none: 0, aes: 1, luks: 2 } as const
export const COMPRESSION = { zlib: 0, zstd: 1 } as const

export const MIN_CLUSTER_BITS = 9
export const MAX_CLUSTER_BITS = 21
/** Longest name of a backing file, in bytes. */
export const MAX_BACKING_NAME = 1023
