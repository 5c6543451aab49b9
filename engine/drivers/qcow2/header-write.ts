/** Writing the header: as a whole, or one field that changes alone. */
import type { BackingHint } from '../../block/driver.ts'
import { alignUp } from '../../util/align.ts'
import { ioError } from '../../util/errors.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { giveBytes, takeZeroes } from '../../util/spare-bytes.ts'
import { concatBytes } from './bytes.ts'
import { encodeExtension, MAX_FORMAT_BYTES, type Extension } from './extensions.ts'
import { featureNameTable } from './feature-names.ts'
import {
  CRYPT,
  EXTENSION,
  EXTENSION_TYPE,
  FIELD_OFFSETS,
  HEADER,
  HEADER_FULL_BYTES,
  HEADER_TAIL,
  HEADER_V3,
  HEADER_V3_END,
  INCOMPATIBLE,
  MAGIC,
  MAX_BACKING_NAME,
  ONE_WORD,
} from './header.ts'
import type { Image } from './image.ts'
import { writeStable } from './storage.ts'

/** Writes header, extensions and the name of the backing file anew. */
export function* writeHeader(image: Image): Routine<void> {
  const { header, geometry, file } = image
  const extensions = concatBytes([
    ...extensionsOf(image).map(encodeExtension),
    encodeExtension({ type: EXTENSION_TYPE.end, data: new Uint8Array() }),
  ])
  const name = new TextEncoder().encode(header.backingFile ?? '')
  const fixed = fixedBytes(image)
  const nameOffset = fixed + extensions.length
  if (nameOffset + name.length > geometry.clusterBytes) throw ioError('ENOSPC')
  const cluster = takeZeroes(geometry.clusterBytes)
  encodeFields(image, cluster, header.backingFile === undefined ? 0 : nameOffset, name.length)
  cluster.set(extensions, fixed)
  cluster.set(name, nameOffset)
  yield* wait(file.write(0, cluster))
  giveBytes(cluster)
}

/**
 * Writes the name of another backing image, or that there is none.
 *
 * @throws {BlockError} `EINVAL` for a name that is too long, `ENOSPC` for one that the cluster of the
 * header has no room for; the header is as before then.
 */
export function* writeBackingHint(
  image: Image,
  { filename, format }: { readonly [K in keyof BackingHint]?: string | undefined } = {},
): Routine<void> {
  const { header } = image
  const bytes = new TextEncoder().encode(filename ?? '').length
  if (bytes > MAX_BACKING_NAME) throw ioError('EINVAL')
  const { backingFile, backingFormat } = header
  header.backingFile = filename
  header.backingFormat = format && cutFormat(format)
  try {
    yield* writeHeader(image)
  } catch (error) {
    header.backingFile = backingFile
    header.backingFormat = backingFormat
    throw error
  }
}

/** As long as it may be when the image is opened again; longer ones are cut off without a word. */
function cutFormat(format: string): string {
  const bytes = new TextEncoder().encode(format)
  return new TextDecoder().decode(bytes.subarray(0, MAX_FORMAT_BYTES - 1))
}

function fixedBytes({ geometry, header }: Image): number {
  return geometry.version < 3 ? HEADER.size : HEADER_FULL_BYTES + header.unknownFields.length
}

function encodeFields(
  image: Image,
  into: Uint8Array,
  backingFileOffset: number,
  backingFileBytes: number,
): void {
  const { header, geometry } = image
  HEADER.encodeInto(into, 0, {
    magic: MAGIC,
    version: geometry.version,
    backingFileOffset: BigInt(backingFileOffset),
    backingFileBytes,
    clusterBits: geometry.clusterBits,
    // As with 7.2, what was written behind the end by a job belongs to the disk from now on.
    size: BigInt(Math.max(header.size, image.around.length())),
    cryptMethod: CRYPT.none,
    l1Entries: image.l1.length,
    l1Offset: BigInt(image.l1Offset),
    refcountTableOffset: BigInt(image.refcountTableOffset),
    refcountTableClusters: image.refcountTable.bytes.length / geometry.clusterBytes,
    snapshotCount: header.snapshotCount,
    snapshotsOffset: BigInt(header.snapshotsOffset),
  })
  if (geometry.version < 3) return
  HEADER_V3.encodeInto(into, HEADER.size, {
    incompatible: header.incompatible,
    compatible: header.compatible,
    autoclear: header.autoclear,
    refcountOrder: geometry.refcountOrder,
    headerBytes: fixedBytes(image),
  })
  HEADER_TAIL.encodeInto(into, HEADER_V3_END, {
    compressionType: header.compressionType,
    padding: undefined,
  })
  into.set(header.unknownFields, HEADER_FULL_BYTES)
}

/** Feature names are left out where they would fill most of the cluster. */
const MIN_ROOM_FOR_NAMES = 4096

function extensionsOf(image: Image): Extension[] {
  const { header, geometry } = image
  const extensions: Extension[] = []
  let room = geometry.clusterBytes - fixedBytes(image)
  if (header.backingFormat !== undefined) {
    const data = new TextEncoder().encode(header.backingFormat)
    extensions.push({ type: EXTENSION_TYPE.backingFormat, data })
    room -= EXTENSION.size + alignUp(data.length, 8)
  }
  if (geometry.version >= 3 && room >= MIN_ROOM_FOR_NAMES) {
    extensions.push({ type: EXTENSION_TYPE.featureNames, data: featureNameTable() })
  }
  if (header.bitmaps !== undefined) extensions.push(header.bitmaps)
  return [...extensions, ...header.unknownExtensions]
}

/** Refcounts in the file may be too low from now on, until `markClean`. */
export function* markDirty(image: Image): Routine<void> {
  if ((image.header.incompatible & INCOMPATIBLE.dirty) !== 0n) return
  yield* writeIncompatible(image, image.header.incompatible | INCOMPATIBLE.dirty)
}

/** Everything is written: the refcounts in the file are right. */
export function* markClean(image: Image): Routine<void> {
  if ((image.header.incompatible & INCOMPATIBLE.dirty) === 0n) return
  image.header.incompatible &= ~INCOMPATIBLE.dirty
  yield* writeCaches(image)
  yield* writeHeader(image)
}

/** Nothing is wrong with it any more. */
export function* markConsistent(image: Image): Routine<void> {
  if ((image.header.incompatible & INCOMPATIBLE.corrupt) === 0n) return
  image.header.incompatible &= ~INCOMPATIBLE.corrupt
  yield* writeCaches(image)
  yield* writeHeader(image)
}

function* writeCaches({ l2Cache, refcountCache, file }: Image): Routine<void> {
  yield* l2Cache.write()
  yield* refcountCache.write()
  yield* wait(file.flush())
}

function* writeIncompatible(image: Image, value: bigint): Routine<void> {
  yield* writeStable(image.file, FIELD_OFFSETS.incompatible, ONE_WORD.encode({ value }))
  image.header.incompatible = value
}
