/** Opening an image: its header is read and checked, then the tables that stay in memory. */
import { told, toldBySystem } from './context.ts'
import { checkImage } from './check/check.ts'
import { reach } from './storage.ts'
import type { Child } from '../../block/driver.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { Mutex } from '../../util/mutex.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { takeBytes } from '../../util/spare-bytes.ts'
import { WordTable } from '../../util/struct.ts'
import { readBitmaps } from './bitmap-directory.ts'
import { loadBitmaps } from './bitmap-store.ts'
import { DiscardQueue } from './discard-queue.ts'
import { BITMAPS_EXTENSION, readExtensions } from './extensions.ts'
import { ENTRY_BYTES } from './geometry.ts'
import { AUTOCLEAR, COMPATIBLE, INCOMPATIBLE } from './header.ts'
import type { HeaderState, Image, Surroundings } from './image.ts'
import { InFlight } from './in-flight.ts'
import { runtimeOptions, type Qcow2Options, type RuntimeOptions } from './options.ts'
import { checkOverlap } from './overlap.ts'
import {
  checkEncryption,
  checkFeatures,
  checkTables,
  extensionsEnd,
  headerState,
  readBackingName,
  readHead,
  readInto,
  sizeOf,
  unsupported,
} from './read-header.ts'
import { refcountCodec } from './refcount-width.ts'
import { readSnapshots } from './snapshots.ts'
import type { Storage } from './storage.ts'
import { TableCache } from './table-cache.ts'

export interface OpenAbout {
  readonly file: Storage
  /** Opens the data file that the options name, if they name one. */
  readonly openDataFile?: () => Promise<Child | undefined>
  readonly options: Qcow2Options
  readonly around: Surroundings
  /** The node passes discards on. */
  readonly discard: boolean
  /** Damage that keeps others from opening does not. */
  readonly forCheck: boolean
}

/** @throws {BlockError} for the first thing that is wrong or not built. */
export function* openImage(about: OpenAbout): Routine<Image> {
  const { file, around } = about
  const head = yield* readHead(file)
  const { fields, geometry, v3 } = head
  yield* checkFeatures(file, around.writable() && !about.forCheck, head)
  checkTables(fields, geometry, about.forCheck)
  checkEncryption(fields.cryptMethod)
  const size = sizeOf(fields, geometry)
  const l1 = new WordTable(new Uint8Array(fields.l1Entries * ENTRY_BYTES))
  if (l1.bytes.length > 0) {
    yield* told('Could not read L1 table', readInto(file, fields.l1Offset, l1.bytes))
  }
  const runtime = runtimeOptions(about.options, {
    geometry,
    size,
    lazyRefcounts: (v3.compatible & COMPATIBLE.lazyRefcounts) !== 0n,
    discard: about.discard,
  })
  const tableBytes = fields.refcountTableClusters * geometry.clusterBytes
  const refcountTable = new WordTable(takeBytes(tableBytes))
  if (tableBytes > 0) {
    yield* reach(file, 'reftable_load')
    yield* told(
      'Could not initialize refcount handling',
      readInto(file, fields.refcountTableOffset, refcountTable.bytes),
    )
  }
  const extensions = yield* readExtensions(file, v3.headerBytes, extensionsEnd(head))
  const header = headerState(head, size, extensions, around)
  yield* checkDataFile(about, header)
  if (about.forCheck) {
    // As with 7.2: a header that is written anew before the check has read the table has none.
    header.snapshotCount = 0
    header.snapshotsOffset = 0
  }
  header.backingFile = yield* readBackingName(file, fields, geometry)
  const { snapshots, bytes } = about.forCheck
    ? { snapshots: [], bytes: 0 }
    : yield* readSnapshots(file, Number(fields.snapshotsOffset), fields.snapshotCount)
  const caches = makeCaches(() => image, runtime)
  const image: Image = {
    file,
    geometry,
    header,
    around,
    codec: refcountCodec(geometry.refcountOrder),
    lock: new Mutex(),
    l1,
    l1Offset: Number(fields.l1Offset),
    refcountTable,
    refcountTableOffset: Number(fields.refcountTableOffset),
    snapshots,
    snapshotTableBytes: bytes,
    bitmaps: yield* readBitmaps(file, header.bitmaps, {
      size,
      clusterBytes: geometry.clusterBytes,
    }),
    bitmapDirectory: directoryOf(header),
    options: runtime,
    requested: { options: about.options, discard: about.discard },
    overlap: runtime.overlap,
    l2Cache: caches.l2Cache,
    refcountCache: caches.refcountCache,
    trimmedNs: around.nowNs(),
    freeClusterIndex: 0,
    freeByteOffset: 0,
    discards: new DiscardQueue(),
    allocations: new Set(),
    inFlight: new InFlight(),
    corruptionSignalled: false,
    dead: false,
    metadataPreallocated: undefined,
  }
  yield* loadBitmaps(image)
  if (!about.forCheck && around.writable()) yield* repairDirty(image)
  // What turned out corrupt on the way is not opened at all.
  if (image.dead) throw ioError('EIO')
  return image
}

/** Refcounts in the file may be too low where the image was not closed cleanly. */
function* repairDirty(image: Image): Routine<void> {
  if ((image.header.incompatible & INCOMPATIBLE.dirty) === 0n) return
  const failure = 'Could not repair dirty image'
  const tell = (line: string): void => {
    image.around.log(line, 'bare')
  }
  const report = yield* toldBySystem(failure, checkImage(image, { repair: 'all', tell }))
  if (report.checkErrors > 0) throw BlockError.system(failure, 'EIO')
}

/** New caches for an image with these options. */
export function makeCaches(
  image: () => Image,
  options: RuntimeOptions,
): Pick<Image, 'l2Cache' | 'refcountCache'> {
  const file = () => image().file
  return {
    l2Cache: new TableCache({
      file,
      tableBytes: options.l2TableBytes,
      capacity: options.l2Capacity,
      loading: () => reach(image().file, 'l2_load'),
      *writing(offset, bytes) {
        yield* checkOverlap(image(), offset, bytes, 'active-l2')
        yield* reach(file(), 'l2_update')
      },
    }),
    refcountCache: new TableCache({
      file,
      tableBytes: options.refcountBlockBytes,
      capacity: options.refcountCapacity,
      loading: nothing,
      *writing(offset, bytes) {
        yield* checkOverlap(image(), offset, bytes, 'refcount-block')
        yield* reach(file(), 'refblock_update_part')
      },
    }),
  }
}

function directoryOf({ bitmaps }: HeaderState): Image['bitmapDirectory'] {
  if (bitmaps === undefined) return undefined
  const { directoryOffset, directoryBytes } = BITMAPS_EXTENSION.decode(bitmaps.data)
  return { offset: directoryOffset, bytes: directoryBytes }
}

/** Refuses what is not built; the data file is opened all the same, and complained about first. */
function* checkDataFile({ openDataFile }: OpenAbout, header: HeaderState): Routine<void> {
  const dataFile = openDataFile && (yield* wait(openDataFile()))
  if ((header.incompatible & INCOMPATIBLE.dataFile) !== 0n) {
    throw unsupported('qcow2: images with an external data file are not built yet')
  }
  if (dataFile !== undefined) {
    throw new BlockError("'data-file' can only be set for images with an external data file")
  }
  if ((header.autoclear & AUTOCLEAR.dataFileRaw) !== 0n) {
    throw new BlockError('data-file-raw requires a data file')
  }
}

// eslint-disable-next-line require-yield -- a routine that has nothing to wait for
function* nothing(): Routine<void> {
  return
}
