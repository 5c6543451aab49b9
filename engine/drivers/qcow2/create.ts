/** Making an image in an empty file. */
import { closeImage } from './close.ts'
import { told } from './context.ts'
import { opt, type Values } from '../../block/option.ts'
import type { NewImageFile } from '../../block/driver.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { giveBytes, takeZeroes } from '../../util/spare-bytes.ts'
import { WordTable } from '../../util/struct.ts'
import { setEntry } from './entry.ts'
import {
  COMPATIBLE,
  COMPRESSION,
  CRYPT,
  HEADER,
  HEADER_FULL_BYTES,
  HEADER_TAIL,
  HEADER_V3,
  HEADER_V3_END,
  INCOMPATIBLE,
  MAGIC,
  MAX_CLUSTER_BITS,
  MIN_CLUSTER_BITS,
} from './header.ts'
import { markClean, writeBackingHint, writeHeader } from './header-write.ts'
import type { Image, Surroundings } from './image.ts'
import { openImage } from './open.ts'
import type { Qcow2Options } from './options.ts'
import { allocateClusters } from './refcounts.ts'
import { resize } from './resize.ts'
import { plainStorage, type Storage } from './storage.ts'

export const CREATE_OPTIONS = {
  'data-file-raw': opt.bool({ optional: true, doc: 'The external data file is a raw image.' }),
  'extended-l2': opt.bool({ optional: true, doc: 'Allocate parts of clusters.' }),
  size: opt.size({ doc: 'Virtual disk size in bytes.' }),
  version: opt.enum('BlockdevQcow2Version', ['v2', 'v3'])({
    optional: true,
    doc: 'Version of the format; v3.',
  }),
  'backing-file': opt.str({ optional: true, doc: 'Name of the backing image, as it is stored.' }),
  'backing-fmt': opt.driverName({ optional: true, doc: 'Format of the backing image.' }),
  'cluster-size': opt.size({ optional: true, doc: 'Bytes of a cluster; 65536.' }),
  preallocation: opt.enum('PreallocMode', ['off', 'metadata', 'falloc', 'full'])({
    optional: true,
    doc: 'What is mapped and stored in advance; off.',
  }),
  'lazy-refcounts': opt.bool({ optional: true, doc: 'Postpone refcounts.' }),
  'refcount-bits': opt.int({ optional: true, doc: 'Width of refcounts; 16.' }),
  'compression-type': opt.enum('Qcow2CompressionType', ['zlib', 'zstd'])({
    optional: true,
    doc: 'How compressed clusters are packed; zlib.',
  }),
} as const

export type CreateOptions = Values<typeof CREATE_OPTIONS>

const DEFAULT_CLUSTER_BYTES = 65536
/** So that each of 32 parts is a sector at least. */
const MIN_EXTENDED_CLUSTER_BITS = 14
const SECTOR = 512
/** Clusters of the header, of the first refcount table and of its first block. */
const FIRST_CLUSTERS = 3

/** What a new image is to be, checked. */
interface Plan {
  readonly size: number
  readonly version: 2 | 3
  readonly clusterBits: number
  readonly refcountOrder: number
  readonly lazyRefcounts: boolean
  readonly compressionType: number
  readonly preallocation: 'off' | 'metadata' | 'falloc' | 'full'
  readonly backingFile: string | undefined
  readonly backingFormat: string | undefined
}

/** @throws {BlockError} in QEMU's words for what cannot be. */
export function checkCreation(options: CreateOptions): void {
  planOf(options)
}

/** @throws {BlockError} the same, and what the file cannot do. */
export function* createImage(
  options: CreateOptions,
  file: NewImageFile,
  { log, compression }: Pick<Surroundings, 'log' | 'compression'>,
): Routine<void> {
  const plan = planOf(options)
  const storage = plainStorage(file.io)
  yield* told('Could not write qcow2 header', writeFirstCluster(storage, plan))
  yield* told('Could not write refcount table', writeFirstTable(storage, plan))
  const image = yield* openImage({
    forCheck: false,
    file: plainStorage(yield* wait(file.asImage())),
    options: NO_OPTIONS,
    discard: false,
    around: {
      nodeName: () => '',
      writable: () => true,
      log,
      compression,
      corrupted: () => undefined,
      backing: () => undefined,
      length: () => 0,
      bitmaps: () => undefined,
      nowNs: () => 0,
      keepsCorruptReadOnly: false,
      readsCorrupt: false,
      rewritesCompressed: false,
    },
  })
  try {
    yield* fillImage(image, plan)
  } catch (error) {
    // What was done until then is in the file.
    yield* closeImage(image)
    throw error
  }
  // The real one opens it once more, to flush it.
  yield* wait(file.asImage())
}

/** All of an image but its header, its first refcount table and the block of that. */
function* fillImage(image: Image, plan: Plan): Routine<void> {
  const { clusterBytes } = image.geometry
  yield* told(
    'Could not allocate clusters for qcow2 header and refcount table',
    allocateFirst(image, FIRST_CLUSTERS * clusterBytes),
  )
  yield* told('Could not update qcow2 header', writeHeader(image))
  const { preallocation } = plan
  if (plan.size < 0) throw new BlockError('Could not resize image: Image size cannot be negative')
  yield* told('Could not resize image', resize(image, plan.size, { preallocation }))
  if (plan.backingFile !== undefined) {
    const { backingFile: filename, backingFormat: format } = plan
    yield* told(
      `Could not assign backing file '${filename}' with format '${format ?? '(null)'}'`,
      writeBackingHint(image, { filename, format }),
    )
  }
  yield* image.l2Cache.flush()
  yield* image.refcountCache.flush()
  yield* markClean(image)
}

const NO_OPTIONS: Qcow2Options = {
  'lazy-refcounts': undefined,
  'pass-discard-request': undefined,
  'pass-discard-snapshot': undefined,
  'pass-discard-other': undefined,
  'overlap-check': undefined,
  'cache-size': undefined,
  'l2-cache-size': undefined,
  'l2-cache-entry-size': undefined,
  'refcount-cache-size': undefined,
  'cache-clean-interval': undefined,
  encrypt: undefined,
}

function* allocateFirst(image: Image, bytes: number): Routine<void> {
  // In an empty file they are the first ones.
  if ((yield* allocateClusters(image, bytes)) !== 0) throw ioError('EIO')
}

function planOf(options: CreateOptions): Plan {
  const { size } = options
  if (size % SECTOR !== 0) {
    throw new BlockError(`Image size must be a multiple of ${String(SECTOR)} bytes`)
  }
  const version = options.version === 'v2' ? 2 : 3
  const extended = options['extended-l2'] === true
  if (extended && version < 3) {
    throw new BlockError(
      'Extended L2 entries are only supported with compatibility level 1.1 and above ' +
        '(use version=v3 or greater)',
    )
  }
  const clusterBits = clusterBitsOf(options['cluster-size'] ?? DEFAULT_CLUSTER_BYTES)
  if (extended && clusterBits < MIN_EXTENDED_CLUSTER_BITS) {
    throw new BlockError(
      'Extended L2 entries are only supported with cluster sizes of at least ' +
        `${String(2 ** MIN_EXTENDED_CLUSTER_BITS)} bytes`,
    )
  }
  if (extended) throw unsupported('qcow2: extended L2 entries are not built yet')
  const preallocation = options.preallocation ?? 'off'
  const backingFile = options['backing-file']
  if (preallocation !== 'off' && backingFile !== undefined) {
    throw new BlockError(
      'Backing file and preallocation can only be used at the same time if extended_l2 is on',
    )
  }
  if (options['backing-fmt'] !== undefined && backingFile === undefined) {
    throw new BlockError('Backing format cannot be used without backing file')
  }
  const lazyRefcounts = options['lazy-refcounts'] ?? false
  if (version < 3 && lazyRefcounts) {
    throw new BlockError(
      'Lazy refcounts only supported with compatibility level 1.1 and above (use version=v3 or greater)',
    )
  }
  const refcountOrder = refcountOrderOf(options['refcount-bits'] ?? 16, version)
  if (options['data-file-raw'] === true) {
    throw new BlockError('data-file-raw requires data-file')
  }
  const compressionType = COMPRESSION[options['compression-type'] ?? 'zlib']
  if (compressionType !== COMPRESSION.zlib && version < 3) {
    throw new BlockError(
      'Non-zlib compression type is only supported with compatibility level 1.1 and above ' +
        '(use version=v3 or greater)',
    )
  }
  return {
    size,
    version,
    clusterBits,
    refcountOrder,
    lazyRefcounts,
    compressionType,
    preallocation,
    backingFile,
    backingFormat: options['backing-fmt'],
  }
}

function clusterBitsOf(bytes: number): number {
  const bits = Math.log2(bytes)
  if (!Number.isInteger(bits) || bits < MIN_CLUSTER_BITS || bits > MAX_CLUSTER_BITS) {
    throw new BlockError('Cluster size must be a power of two between 512 and 2048k')
  }
  return bits
}

/** Of 64-bit numbers. */
const LOWEST = -(2 ** 63)

function refcountOrderOf(bits: number, version: 2 | 3): number {
  // With 7.2 the lowest of all numbers passes for a power of two; what opens the image refuses it.
  const order = bits === LOWEST ? 32 : Math.log2(bits)
  if (!Number.isInteger(order) || bits > 64 || order < 0) {
    throw new BlockError('Refcount width must be a power of two and may not exceed 64 bits')
  }
  if (version < 3 && bits !== 16) {
    throw new BlockError(
      'Different refcount widths than 16 bits require compatibility level 1.1 or above ' +
        '(use version=v3 or greater)',
    )
  }
  return order
}

/** The header without a size, and a refcount table of one block. */
function* writeFirstCluster(file: Storage, plan: Plan): Routine<void> {
  const clusterBytes = 2 ** plan.clusterBits
  const header = takeZeroes(clusterBytes)
  HEADER.encodeInto(header, 0, {
    magic: MAGIC,
    version: plan.version,
    backingFileOffset: 0n,
    backingFileBytes: 0,
    clusterBits: plan.clusterBits,
    size: 0n,
    cryptMethod: CRYPT.none,
    l1Entries: 0,
    l1Offset: 0n,
    refcountTableOffset: BigInt(clusterBytes),
    refcountTableClusters: 1,
    snapshotCount: 0,
    snapshotsOffset: 0n,
  })
  if (plan.version >= 3) {
    HEADER_V3.encodeInto(header, HEADER.size, {
      incompatible: plan.compressionType === COMPRESSION.zlib ? 0n : INCOMPATIBLE.compression,
      compatible: plan.lazyRefcounts ? COMPATIBLE.lazyRefcounts : 0n,
      autoclear: 0n,
      refcountOrder: plan.refcountOrder,
      headerBytes: HEADER_FULL_BYTES,
    })
    HEADER_TAIL.encodeInto(header, HEADER_V3_END, {
      compressionType: plan.compressionType,
      padding: undefined,
    })
  }
  yield* wait(file.write(0, header))
  giveBytes(header)
}

/** The refcount table and the block that it names, in which nothing is counted yet. */
function* writeFirstTable(file: Storage, { clusterBits }: Plan): Routine<void> {
  const clusterBytes = 2 ** clusterBits
  const table = new WordTable(takeZeroes(2 * clusterBytes))
  setEntry(table, 0, 2 * clusterBytes)
  yield* wait(file.write(clusterBytes, table.bytes))
  giveBytes(table.bytes)
}

function unsupported(message: string): BlockError {
  return new BlockError(message, { errno: 'ENOTSUP' })
}
