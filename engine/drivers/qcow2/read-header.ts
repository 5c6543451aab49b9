/** The header of an image and what hangs on it: read, and refused for the first thing that is wrong. */
import { told } from './context.ts'
import { BlockError } from '../../util/errors.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { backingFormatOf, checkBitmaps, readExtensions, type Extension } from './extensions.ts'
import { describeUnknown } from './feature-names.ts'
import { ENTRY_BYTES, geometryOf, l1EntriesFor, type Geometry } from './geometry.ts'
import {
  AUTOCLEAR,
  COMPRESSION,
  CRYPT,
  EXTENSION_TYPE,
  HEADER,
  HEADER_FULL_BYTES,
  HEADER_TAIL,
  HEADER_V3,
  HEADER_V3_END,
  INCOMPATIBLE,
  KNOWN_INCOMPATIBLE,
  MAGIC,
  MAX_BACKING_NAME,
  MAX_CLUSTER_BITS,
  MIN_CLUSTER_BITS,
  type HeaderFields,
} from './header.ts'
import type { HeaderState, Surroundings } from './image.ts'
import { MAX_L1_BYTES } from './l1.ts'
import { MAX_REFCOUNT_TABLE_BYTES } from './refcount-area.ts'
import { SNAPSHOT } from './snapshots.ts'
import type { Storage } from './storage.ts'

/** Most internal snapshots of an image. */
export const MAX_SNAPSHOTS = 65536
const MAX_REFCOUNT_ORDER = 6
const INT64_END = 2n ** 63n
const MIN_SUBCLUSTER_BYTES = 512
const SUBCLUSTERS = 32

export interface Head {
  readonly fields: HeaderFields
  readonly geometry: Geometry
  readonly v3: {
    readonly incompatible: bigint
    readonly compatible: bigint
    readonly autoclear: bigint
    readonly refcountOrder: number
    readonly headerBytes: number
  }
  readonly compressionType: number
  readonly unknownFields: Uint8Array
}

export function* readHead(file: Storage): Routine<Head> {
  const bytes = new Uint8Array(HEADER_FULL_BYTES)
  try {
    yield* wait(file.read(0, bytes))
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.prepend('Could not read qcow2 header', error)
  }
  const fields = HEADER.decode(bytes)
  if (fields.magic !== MAGIC) throw new BlockError('Image is not in qcow2 format')
  const { version, clusterBits } = fields
  if (version !== 2 && version !== 3) {
    throw new BlockError(`Unsupported qcow2 version ${String(version)}`, { errno: 'ENOTSUP' })
  }
  if (clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS) {
    throw new BlockError(`Unsupported cluster size: 2^${String(clusterBits)}`)
  }
  const v3 =
    version === 3
      ? HEADER_V3.decode(bytes, HEADER.size)
      : { incompatible: 0n, compatible: 0n, autoclear: 0n, refcountOrder: 4, headerBytes: 72 }
  if (version === 3 && v3.headerBytes < HEADER_V3_END)
    throw new BlockError('qcow2 header too short')
  if (v3.headerBytes > 2 ** clusterBits) throw new BlockError('qcow2 header exceeds cluster size')
  const unknownFields = new Uint8Array(Math.max(0, v3.headerBytes - HEADER_FULL_BYTES))
  if (unknownFields.length > 0) yield* wait(file.read(HEADER_FULL_BYTES, unknownFields))
  if (fields.backingFileOffset > BigInt(2 ** clusterBits)) {
    throw new BlockError('Invalid backing file offset')
  }
  const hasTail = v3.headerBytes > HEADER_V3_END
  return {
    fields,
    v3,
    unknownFields,
    geometry: geometryOf(version, clusterBits, Math.min(v3.refcountOrder, MAX_REFCOUNT_ORDER)),
    compressionType: hasTail ? HEADER_TAIL.decode(bytes, HEADER_V3_END).compressionType : 0,
  }
}

export function extensionsEnd({ fields, geometry }: Head): number {
  return fields.backingFileOffset === 0n ? geometry.clusterBytes : Number(fields.backingFileOffset)
}

export function* checkFeatures(file: Storage, writable: boolean, head: Head): Routine<void> {
  const { incompatible, headerBytes } = head.v3
  checkCompression(head)
  const unknown = incompatible & ~KNOWN_INCOMPATIBLE
  if (unknown !== 0n) {
    const extensions = yield* readExtensions(file, headerBytes, extensionsEnd(head))
    const table = extensions.find(({ type }) => type === EXTENSION_TYPE.featureNames)
    throw unsupported(`Unsupported qcow2 feature(s): ${describeUnknown(unknown, table?.data)}`)
  }
  if (writable) checkNotCorrupt(incompatible)
  if ((incompatible & INCOMPATIBLE.extendedL2) !== 0n) {
    const subclusterBytes = head.geometry.clusterBytes / SUBCLUSTERS
    if (subclusterBytes < MIN_SUBCLUSTER_BYTES) {
      throw new BlockError(`Unsupported subcluster size: ${String(subclusterBytes)}`)
    }
    throw unsupported('qcow2: images with extended L2 entries are not built yet')
  }
  if (head.v3.refcountOrder > MAX_REFCOUNT_ORDER) {
    throw new BlockError('Reference count entry width too large; may not exceed 64 bits')
  }
}

/** Only a repair may write to a corrupt image. */
export function checkNotCorrupt(incompatible: bigint): void {
  if ((incompatible & INCOMPATIBLE.corrupt) === 0n) return
  throw new BlockError('qcow2: Image is corrupt; cannot be opened read/write', { errno: 'EACCES' })
}

function checkCompression({ v3, compressionType }: Head): void {
  const flagged = (v3.incompatible & INCOMPATIBLE.compression) !== 0n
  if (compressionType > COMPRESSION.zstd) {
    throw unsupported(`qcow2: unknown compression type: ${String(compressionType)}`)
  }
  if (compressionType === COMPRESSION.zlib && flagged) {
    throw new BlockError('qcow2: Compression type incompatible feature bit must not be set')
  }
  if (compressionType !== COMPRESSION.zlib && !flagged) {
    throw new BlockError('qcow2: Compression type incompatible feature bit must be set')
  }
}

export function checkEncryption(method: number): void {
  if (method > CRYPT.luks)
    throw new BlockError(`Unsupported encryption method ${String(method | 0)}`)
  if (method !== CRYPT.none) throw unsupported('qcow2: encrypted images are not built yet')
}

/** @param forCheck - The table of snapshots is left to the check. */
export function checkTables(fields: HeaderFields, geometry: Geometry, forCheck: boolean): void {
  if (fields.refcountTableClusters === 0) {
    throw new BlockError('Image does not contain a reference count table')
  }
  checkTable(geometry, {
    name: 'Reference count table',
    offset: fields.refcountTableOffset,
    entries: fields.refcountTableClusters,
    entryBytes: geometry.clusterBytes,
    maximum: MAX_REFCOUNT_TABLE_BYTES,
  })
  if (!forCheck) checkSnapshotTable(geometry, fields, 'Snapshot table')
  checkTable(geometry, {
    name: 'Active L1 table',
    offset: fields.l1Offset,
    entries: fields.l1Entries,
    entryBytes: ENTRY_BYTES,
    maximum: MAX_L1_BYTES,
  })
}

/** @throws {BlockError} for a place that no table of snapshots can have. */
export function checkSnapshotTable(
  geometry: Geometry,
  { snapshotsOffset, snapshotCount }: Pick<HeaderFields, 'snapshotsOffset' | 'snapshotCount'>,
  name: string,
): void {
  checkTable(geometry, {
    name,
    offset: snapshotsOffset,
    entries: snapshotCount,
    entryBytes: SNAPSHOT.size,
    maximum: SNAPSHOT.size * MAX_SNAPSHOTS,
  })
}

interface TablePlace {
  readonly name: string
  readonly offset: bigint
  readonly entries: number
  readonly entryBytes: number
  /** Most bytes. */
  readonly maximum: number
}

function checkTable(geometry: Geometry, table: TablePlace): void {
  const { name, offset, entries, entryBytes, maximum } = table
  if (entries > Math.floor(maximum / entryBytes)) {
    throw new BlockError(`${name} too large`, { errno: 'EFBIG' })
  }
  const end = offset + BigInt(entries) * BigInt(entryBytes)
  if (end >= INT64_END || offset % BigInt(geometry.clusterBytes) !== 0n) {
    throw new BlockError(`${name} offset invalid`)
  }
}

export function sizeOf(fields: HeaderFields, geometry: Geometry): number {
  const size = Number(fields.size)
  const needed = l1EntriesFor(geometry, size)
  if (needed > 2 ** 31 - 1) throw new BlockError('Image is too big', { errno: 'EFBIG' })
  if (fields.l1Entries < needed) throw new BlockError('L1 table is too small')
  if (!Number.isSafeInteger(size)) {
    throw unsupported('qcow2: images beyond 2^53 bytes are more than this engine can keep')
  }
  return size
}

export function headerState(
  { fields, v3, compressionType, unknownFields }: Head,
  size: number,
  extensions: readonly Extension[],
  around: Surroundings,
): HeaderState {
  const known: readonly number[] = Object.values(EXTENSION_TYPE)
  const bitmaps = extensions.find(({ type }) => type === EXTENSION_TYPE.bitmaps)
  const trusted = (v3.autoclear & AUTOCLEAR.bitmaps) !== 0n
  if (bitmaps !== undefined && !trusted) {
    around.log(
      'warning: a program lacking bitmap support modified this file, ' +
        'so all bitmaps are now considered inconsistent',
    )
    around.log(
      "Some clusters may be leaked, run 'qemu-img check -r' on the image file to fix.",
      'bare',
    )
  }
  if (bitmaps !== undefined && trusted) checkBitmaps(bitmaps, 2 ** fields.clusterBits)
  return {
    size,
    incompatible: v3.incompatible,
    compatible: v3.compatible,
    autoclear: v3.autoclear,
    backingFile: undefined,
    backingFormat: backingFormatOf(extensions),
    compressionType,
    headerBytes: v3.headerBytes,
    unknownFields,
    // Each rewriting turns their order around.
    unknownExtensions: extensions.filter(({ type }) => !known.includes(type)).toReversed(),
    bitmaps: trusted ? bitmaps : undefined,
    snapshotCount: fields.snapshotCount,
    snapshotsOffset: Number(fields.snapshotsOffset),
  }
}

export function* readBackingName(
  file: Storage,
  { backingFileOffset, backingFileBytes }: HeaderFields,
  { clusterBytes }: Geometry,
): Routine<string | undefined> {
  if (backingFileOffset === 0n) return undefined
  const offset = Number(backingFileOffset)
  const room = Math.min(MAX_BACKING_NAME, clusterBytes - offset)
  if (backingFileBytes > room) throw new BlockError('Backing file name too long')
  const name = new Uint8Array(backingFileBytes)
  if (name.length > 0) {
    yield* told('Could not read backing file name', readInto(file, backingFileOffset, name))
  }
  const end = name.indexOf(0)
  return new TextDecoder().decode(end === -1 ? name : name.subarray(0, end))
}

export function unsupported(message: string): BlockError {
  return new BlockError(message, { errno: 'ENOTSUP' })
}

/** In a routine, so that a failure at once is told as one that comes later is. */
export function* readInto(file: Storage, offset: bigint, into: Uint8Array): Routine<void> {
  yield* wait(file.read(Number(offset), into))
}
