/** The directory of persistent bitmaps as it lies in the file. */
import { BlockError, ioError } from '../../util/errors.ts'
import { alignUp } from '../../util/align.ts'
import { be16, be32, be64Number, struct, u8, type FieldValues } from '../../util/struct.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { concatBytes } from './bytes.ts'
import { BITMAPS_EXTENSION, type Extension } from './extensions.ts'
import type { Storage } from './storage.ts'

/** The fixed part; extra data and name follow, then padding to a multiple of 8. */
const ENTRY = struct(24, {
  tableOffset: be64Number(0),
  /** Entries, not bytes. */
  tableEntries: be32(8),
  flags: be32(12),
  type: u8(16),
  granularityBits: u8(17),
  nameBytes: be16(18),
  extraBytes: be32(20),
})

/** The bits in the file are not what the bitmap is: somebody has it in memory, or died with it. */
export const IN_USE = 1
/** It records changes as soon as the image is opened. */
export const AUTO = 2

/** The only type there is: what changed on the disk. */
const DIRTY_TRACKING = 1

export interface StoredBitmap {
  readonly name: string
  readonly granularityBits: number
  /** `IN_USE`, `AUTO`. */
  readonly flags: number
  readonly tableOffset: number
  readonly tableEntries: number
}

/** What an entry may have. */
const MAX_TABLE_ENTRIES = 0x800_0000
const MAX_BITMAP_BYTES = 0x2000_0000
const MIN_GRANULARITY_BITS = 9
const MAX_GRANULARITY_BITS = 31
const MAX_NAME_BYTES = 1023
const KNOWN_FLAGS = IN_USE | AUTO

/**
 * @param disk - Whose bitmaps they are: its size in bytes, and that of a cluster of the file.
 * @throws {BlockError} if the directory is damaged.
 */
export function* readBitmaps(
  file: Storage,
  extension: Extension | undefined,
  disk: Disk,
): Routine<readonly StoredBitmap[]> {
  if (extension === undefined) return []
  const { count, directoryOffset, directoryBytes } = BITMAPS_EXTENSION.decode(extension.data)
  const directory = new Uint8Array(directoryBytes)
  if (directory.length > 0) yield* wait(file.read(directoryOffset, directory))
  const found: StoredBitmap[] = []
  for (let at = 0; at < directory.length;) {
    if (at + ENTRY.size > directory.length) throw broken()
    const entry = ENTRY.decode(directory, at)
    if (found.length === count) {
      throw new BlockError('More bitmaps found than specified in header extension')
    }
    const nameAt = at + ENTRY.size + entry.extraBytes
    if (nameAt + entry.nameBytes > directory.length) throw broken()
    if (entry.extraBytes !== 0) throw new BlockError('Bitmap extra data is not supported')
    const { flags, granularityBits, tableOffset, tableEntries } = entry
    const name = new TextDecoder().decode(directory.subarray(nameAt, nameAt + entry.nameBytes))
    if (!isPossible(entry, disk)) {
      throw new BlockError(`Bitmap '${name}' doesn't satisfy the constraints`)
    }
    found.push({ name, granularityBits, flags, tableOffset, tableEntries })
    at = alignUp(nameAt + entry.nameBytes, 8)
  }
  if (found.length !== count) {
    throw new BlockError('Less bitmaps found than specified in header extension')
  }
  return found
}

interface Disk {
  readonly size: number
  readonly clusterBytes: number
}

function isPossible(
  entry: FieldValues<typeof ENTRY.fields>,
  { size, clusterBytes }: Disk,
): boolean {
  const { tableOffset, tableEntries, granularityBits, flags, nameBytes, type } = entry
  const bytes = tableEntries * clusterBytes
  return (
    tableEntries > 0 &&
    tableEntries <= MAX_TABLE_ENTRIES &&
    tableOffset > 0 &&
    tableOffset % clusterBytes === 0 &&
    granularityBits >= MIN_GRANULARITY_BITS &&
    granularityBits <= MAX_GRANULARITY_BITS &&
    (flags & ~KNOWN_FLAGS) === 0 &&
    nameBytes > 0 &&
    nameBytes <= MAX_NAME_BYTES &&
    type === DIRTY_TRACKING &&
    bytes <= MAX_BITMAP_BYTES &&
    ((flags & IN_USE) !== 0 || size <= bytes * 8 * 2 ** granularityBits)
  )
}

/**
 * The directory with these bitmaps.
 *
 * @param size - Of the disk.
 * @throws {BlockError} `EINVAL` for a bitmap that does not reach as far as the disk.
 */
export function encodeDirectory(
  bitmaps: readonly StoredBitmap[],
  size: number,
  clusterBytes: number,
): Uint8Array {
  return concatBytes(
    bitmaps.map((bitmap) => {
      const covered = bitmap.tableEntries * clusterBytes * 8 * 2 ** bitmap.granularityBits
      if ((bitmap.flags & IN_USE) === 0 && size > covered) throw ioError('EINVAL')
      const name = new TextEncoder().encode(bitmap.name)
      const bytes = new Uint8Array(entryBytes(name.length))
      ENTRY.encodeInto(bytes, 0, {
        ...bitmap,
        type: DIRTY_TRACKING,
        nameBytes: name.length,
        extraBytes: 0,
      })
      bytes.set(name, ENTRY.size)
      return bytes
    }),
  )
}

/** Bytes of the directory that a bitmap takes. */
export function entryBytes(nameBytes: number): number {
  return alignUp(ENTRY.size + nameBytes, 8)
}

function broken(): BlockError {
  return new BlockError('Broken bitmap directory')
}
