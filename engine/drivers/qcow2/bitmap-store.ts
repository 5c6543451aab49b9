/**
 * Persistent bitmaps: out of the image when it opens, into it when it closes. In between they are
 * marked as in use in an image that may be written to, so that nobody trusts what is stored. The
 * caller holds the lock.
 */
import type { KeptBitmap } from '../../block/driver.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { WordTable } from '../../util/struct.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { AUTO, encodeDirectory, entryBytes, IN_USE, type StoredBitmap } from './bitmap-directory.ts'
import { told } from './context.ts'
import { offsetAt, setEntry } from './entry.ts'
import { BITMAPS_EXTENSION, MAX_BITMAPS, MAX_DIRECTORY_BYTES } from './extensions.ts'
import { ENTRY_BYTES } from './geometry.ts'
import { AUTOCLEAR, EXTENSION_TYPE } from './header.ts'
import { writeHeader } from './header-write.ts'
import type { Image } from './image.ts'
import { checkOverlap } from './overlap.ts'
import { freeClusters } from './refcount-change.ts'
import { allocateClusters } from './refcounts.ts'
import { writeTables } from './write-tables.ts'

const MIN_GRANULARITY_BITS = 9
const MAX_GRANULARITY_BITS = 31
/** Largest table of one bitmap, in entries. */
const MAX_TABLE_ENTRIES = 0x800_0000
/** Most bytes of bits of one bitmap. */
const MAX_BITS_BYTES = 0x2000_0000
const BITS_PER_WORD = 64
/** Of a table entry without a place: every bit is set. */
const ALL_ONES = 1

/** Makes bitmaps of the node of what is stored, when the image opens. */
export function* loadBitmaps(image: Image): Routine<void> {
  const kept = image.around.bitmaps()
  if (kept === undefined || image.bitmaps.length === 0) return
  const writable = image.around.writable()
  let changes = false
  const marked: StoredBitmap[] = []
  const made: KeptBitmap[] = []
  for (const stored of image.bitmaps) {
    const granularity = 2 ** stored.granularityBits
    const bitmap = kept.load(stored.name, { size: image.header.size, granularity })
    made.push(bitmap)
    if ((stored.flags & IN_USE) === 0) {
      yield* loadBits(image, stored, bitmap)
      if ((stored.flags & AUTO) === 0) bitmap.recording = false
      changes = true
    } else {
      bitmap.inconsistent = true
      bitmap.recording = false
    }
    marked.push({ ...stored, flags: stored.flags | IN_USE })
  }
  if (writable && changes) {
    yield* told("Can't update bitmap directory", replaceInPlace(image, marked))
  }
  if (!writable) for (const bitmap of made) bitmap.readOnly = true
}

function* loadBits(image: Image, stored: StoredBitmap, into: KeptBitmap): Routine<void> {
  const { file, geometry, header } = image
  const table = yield* told(
    `Could not read bitmap_table table from image for bitmap '${stored.name}'`,
    readTable(image, stored),
  )
  const perCluster = bytesPerCluster(image, into.granularity)
  const failure = `Could not read bitmap '${stored.name}' from image`
  if (table.length !== clustersOf(image, into)) throw BlockError.system(failure, 'EINVAL')
  for (let index = 0; index < table.length; index++) {
    const start = index * perCluster
    const place = offsetAt(table, index)
    if (place !== 0) {
      const bits = new Uint8Array(geometry.clusterBytes)
      yield* told(failure, wait(file.read(place, bits)))
      into.deserialise(start, bits)
    } else if ((table.low(index) & ALL_ONES) !== 0) {
      into.mark(start, Math.min(perCluster, header.size - start))
    }
  }
}

/**
 * Writes the node's persistent bitmaps into the image.
 *
 * @param release - The node has them no longer.
 */
export function* storeBitmaps(image: Image, release: boolean): Routine<void> {
  const kept = image.around.bitmaps()
  if (kept === undefined) return
  const wanted = kept.list().filter((each) => each.persistent && !each.inconsistent)
  const toWrite = wanted.filter(({ readOnly }) => !readOnly)
  if (toWrite.length > 0) yield* writeBitmaps(image, toWrite)
  // What was only read goes with the node.
  if (release) for (const bitmap of toWrite) bitmap.release()
}

function* writeBitmaps(image: Image, bitmaps: readonly KeptBitmap[]): Routine<void> {
  const list: StoredBitmap[] = [...image.bitmaps]
  const replaced: StoredBitmap[] = []
  const sources = new Map<string, KeptBitmap>()
  for (const bitmap of bitmaps) {
    const { name, granularity } = bitmap
    checkAgain(image, bitmap)
    const next = {
      name,
      granularityBits: Math.log2(granularity),
      flags: bitmap.recording ? AUTO : 0,
      tableOffset: 0,
      tableEntries: 0,
    }
    const at = list.findIndex((stored) => stored.name === name)
    const old = list[at]
    if (old === undefined) {
      checkRoom([...list, next])
      list.push(next)
    } else {
      if ((old.flags & IN_USE) === 0) {
        throw new BlockError(`Bitmap '${name}' already exists in the image`)
      }
      replaced.push(old)
      list[at] = next
    }
    sources.set(name, bitmap)
  }
  if (!image.around.writable()) throw new BlockError('No write access')
  const written: StoredBitmap[] = []
  try {
    for (const [index, entry] of list.entries()) {
      const source = sources.get(entry.name)
      if (source === undefined) continue
      const stored = yield* writeBits(image, entry, source)
      written.push(stored)
      list[index] = stored
    }
    yield* told('Failed to update bitmap extension', replaceDirectory(image, list))
  } catch (error) {
    for (const stored of written) yield* freeBits(image, stored)
    throw error
  }
  for (const stored of replaced) yield* freeBits(image, stored)
}

function* writeBits(image: Image, entry: StoredBitmap, source: KeptBitmap): Routine<StoredBitmap> {
  const { file, geometry } = image
  const { clusterBytes } = geometry
  const count = clustersOf(image, source)
  // An empty disk has no bits, and 7.2 takes their absence for a lack of memory.
  if (count === 0) throw new BlockError('No memory')
  const table = new WordTable(new Uint8Array(count * ENTRY_BYTES))
  const allocating = `Failed to allocate clusters for bitmap '${entry.name}'`
  const writing = `Failed to write bitmap '${entry.name}' to file`
  const perCluster = bytesPerCluster(image, source.granularity)
  const { size } = source
  try {
    for (let at = 0; ;) {
      const run = source.nextDirty(at, size - at)
      if (run === undefined) break
      const index = Math.floor(run.offset / perCluster)
      const start = index * perCluster
      const end = Math.min(size, start + perCluster)
      const place = yield* told(allocating, allocateClusters(image, clusterBytes))
      setEntry(table, index, place)
      const bits = new Uint8Array(clusterBytes)
      bits.set(source.serialise(start, end - start))
      yield* told('Qcow2 overlap check failed', checkOverlap(image, place, clusterBytes))
      yield* told(writing, wait(file.write(place, bits)))
      at = end
    }
    const tableOffset = yield* told(allocating, allocateClusters(image, table.bytes.length))
    const stored = { ...entry, tableOffset, tableEntries: count }
    yield* told('Qcow2 overlap check failed', checkOverlap(image, tableOffset, table.bytes.length))
    yield* told(writing, wait(file.write(tableOffset, table.bytes)))
    return stored
  } catch (error) {
    yield* freePlaces(image, table)
    throw error
  }
}

/** Takes a bitmap out of the image, where it may not be. */
export function* removeBitmap(image: Image, name: string): Routine<void> {
  const stored = image.bitmaps.find((each) => each.name === name)
  if (stored === undefined) return
  const others = image.bitmaps.filter((each) => each !== stored)
  yield* told('Failed to update bitmap extension', replaceDirectory(image, others))
  yield* freeBits(image, stored)
}

/** The image is about to become read-only: its bitmaps are stored, and stay as they are. */
export function* freezeBitmaps(image: Image): Routine<void> {
  yield* storeBitmaps(image, false)
  for (const bitmap of image.around.bitmaps()?.list() ?? []) {
    if (bitmap.persistent) bitmap.readOnly = true
  }
}

/** The image may be written to again, and its bitmaps are in use. */
export function* thawBitmaps(image: Image): Routine<void> {
  const bitmaps = image.around.bitmaps()?.list() ?? []
  const frozen: KeptBitmap[] = []
  const marked = image.bitmaps.map((stored) => {
    const bitmap = bitmaps.find(({ name }) => name === stored.name)
    if (bitmap?.readOnly !== true || bitmap.inconsistent) return stored
    frozen.push(bitmap)
    return { ...stored, flags: stored.flags | IN_USE }
  })
  if (frozen.length === 0) return
  yield* told('Cannot update bitmap directory', replaceInPlace(image, marked))
  for (const bitmap of frozen) bitmap.readOnly = false
}

/** @throws {BlockError} where the image cannot keep one more, of this granularity. */
export function checkNew(image: Image, name: string, granularity: number): void {
  const { geometry, around } = image
  try {
    if (geometry.version < 3) throw new BlockError('Cannot store dirty bitmaps in qcow2 v2 files')
    checkKind(image, granularity)
    const kept = (around.bitmaps()?.list() ?? []).filter(({ persistent }) => persistent)
    const names = [...kept.map((each) => each.name), name]
    if (names.length > MAX_BITMAPS) {
      throw new BlockError('Maximum number of persistent bitmaps is already reached')
    }
    if (directoryBytes(names) > MAX_DIRECTORY_BYTES) {
      throw new BlockError('Not enough space in the bitmap directory')
    }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    const context = `Can't make bitmap '${name}' persistent in '${around.nodeName()}'`
    throw BlockError.prepend(context, error)
  }
}

function checkAgain(image: Image, { name, granularity }: KeptBitmap): void {
  try {
    checkKind(image, granularity)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.prepend(`Bitmap '${name}' doesn't satisfy the constraints`, error)
  }
}

/** @throws {BlockError} for a granularity that the image cannot have. */
function checkKind({ geometry, header }: Image, granularity: number): void {
  const bits = Math.log2(granularity)
  if (bits > MAX_GRANULARITY_BITS) {
    throw new BlockError(`Granularity exceeds maximum (${2 ** MAX_GRANULARITY_BITS} bytes)`)
  }
  if (bits < MIN_GRANULARITY_BITS) {
    throw new BlockError(`Granularity is under minimum (${2 ** MIN_GRANULARITY_BITS} bytes)`)
  }
  const bytes = Math.ceil(Math.floor(header.size / granularity) / 8)
  if (bytes > MAX_BITS_BYTES || bytes > MAX_TABLE_ENTRIES * geometry.clusterBytes) {
    throw new BlockError('Too much space will be occupied by the bitmap. Use larger granularity')
  }
}

function checkRoom(list: readonly StoredBitmap[]): void {
  if (list.length > MAX_BITMAPS) throw new BlockError('Too many persistent bitmaps')
  if (directoryBytes(list.map(({ name }) => name)) > MAX_DIRECTORY_BYTES) {
    throw new BlockError('Bitmap directory is too large')
  }
}

function directoryBytes(names: readonly string[]): number {
  const encoder = new TextEncoder()
  return names.reduce((sum, name) => sum + entryBytes(encoder.encode(name).length), 0)
}

/** Writes the directory somewhere else and lets the header point there; the old one goes. */
function* replaceDirectory(image: Image, list: readonly StoredBitmap[]): Routine<void> {
  const { header } = image
  const before = {
    bitmaps: image.bitmaps,
    directory: image.bitmapDirectory,
    extension: header.bitmaps,
    autoclear: header.autoclear,
  }
  const directory = list.length === 0 ? undefined : yield* writeDirectory(image, list)
  try {
    if (directory === undefined) header.autoclear &= ~AUTOCLEAR.bitmaps
    else {
      yield* writeTables(image)
      yield* wait(image.file.flush())
      header.autoclear |= AUTOCLEAR.bitmaps
    }
    noteDirectory(image, list, directory)
    yield* writeHeaderStable(image)
  } catch (error) {
    image.bitmaps = before.bitmaps
    image.bitmapDirectory = before.directory
    header.bitmaps = before.extension
    header.autoclear = before.autoclear
    if (directory !== undefined) {
      yield* freeClusters(image, directory.offset, directory.bytes, 'other')
    }
    throw error
  }
  const old = before.directory
  if (old !== undefined) yield* freeClusters(image, old.offset, old.bytes, 'other')
}

interface Place {
  readonly offset: number
  readonly bytes: number
}

function* writeDirectory(image: Image, list: readonly StoredBitmap[]): Routine<Place> {
  const bytes = encodeDirectory(list, image.header.size, image.geometry.clusterBytes)
  const offset = yield* allocateClusters(image, bytes.length)
  yield* checkOverlap(image, offset, bytes.length)
  yield* wait(image.file.write(offset, bytes))
  return { offset, bytes: bytes.length }
}

function noteDirectory(
  image: Image,
  list: readonly StoredBitmap[],
  directory: Place | undefined,
): void {
  image.bitmaps = list
  image.bitmapDirectory = directory
  image.header.bitmaps = directory && {
    type: EXTENSION_TYPE.bitmaps,
    data: BITMAPS_EXTENSION.encode({
      count: list.length,
      reserved: 0,
      directoryBytes: directory.bytes,
      directoryOffset: directory.offset,
    }),
  }
}

/** Changes flags where the directory lies. Meanwhile the header says that it is not to be trusted. */
function* replaceInPlace(image: Image, list: readonly StoredBitmap[]): Routine<void> {
  const { header, bitmapDirectory, file } = image
  header.autoclear &= ~AUTOCLEAR.bitmaps
  yield* writeHeaderStable(image)
  if (bitmapDirectory === undefined) return
  const bytes = encodeDirectory(list, header.size, image.geometry.clusterBytes)
  if (bytes.length !== bitmapDirectory.bytes) throw ioError('EINVAL')
  yield* checkOverlap(image, bitmapDirectory.offset, bytes.length, 'bitmap-directory')
  yield* wait(file.write(bitmapDirectory.offset, bytes))
  yield* wait(file.flush())
  image.bitmaps = list
  header.autoclear |= AUTOCLEAR.bitmaps
  yield* writeHeaderStable(image)
}

function* writeHeaderStable(image: Image): Routine<void> {
  yield* writeHeader(image)
  yield* wait(image.file.flush())
}

function* freeBits(image: Image, stored: StoredBitmap): Routine<void> {
  try {
    yield* freePlaces(image, yield* readTable(image, stored))
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return
  }
  yield* freeClusters(image, stored.tableOffset, stored.tableEntries * ENTRY_BYTES, 'other')
}

function* freePlaces(image: Image, table: WordTable): Routine<void> {
  for (let index = 0; index < table.length; index++) {
    const place = offsetAt(table, index)
    if (place !== 0) yield* freeClusters(image, place, image.geometry.clusterBytes, 'always')
  }
}

function* readTable(image: Image, stored: StoredBitmap): Routine<WordTable> {
  const table = new Uint8Array(stored.tableEntries * ENTRY_BYTES)
  yield* wait(image.file.read(stored.tableOffset, table))
  return new WordTable(table)
}

/** Bytes of the disk that one cluster of bits stands for. */
function bytesPerCluster({ geometry }: Image, granularity: number): number {
  return granularity * geometry.clusterBytes * 8
}

/** Clusters that all bits of a bitmap take. */
function clustersOf(
  { geometry }: Image,
  { size, granularity }: { readonly size: number; readonly granularity: number },
): number {
  const words = Math.ceil(Math.ceil(size / granularity) / BITS_PER_WORD)
  return Math.ceil((words * 8) / geometry.clusterBytes)
}
