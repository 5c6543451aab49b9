/**
 * An open image: what its header said, the tables in memory, and what is under way. The parts of
 * the driver are functions over it; whoever reads or changes tables holds `lock`.
 */
import type { Child, LogForm, NodeBitmaps } from '../../block/driver.ts'
import type { Compression } from '../../host/host.ts'
import type { Mutex } from '../../util/mutex.ts'
import type { WordTable } from '../../util/struct.ts'
import type { StoredBitmap } from './bitmap-directory.ts'
import type { Allocation } from './allocation.ts'
import type { DiscardQueue } from './discard-queue.ts'
import type { Extension } from './extensions.ts'
import type { Geometry } from './geometry.ts'
import type { InFlight } from './in-flight.ts'
import type { Requested, RuntimeOptions } from './options.ts'
import type { OverlapSet } from './overlap.ts'
import type { RefcountCodec } from './refcount-width.ts'
import type { Snapshot } from './snapshots.ts'
import type { Storage } from './storage.ts'
import type { TableCache } from './table-cache.ts'

/** What the header says, as it is now. */
export interface HeaderState {
  size: number
  incompatible: bigint
  compatible: bigint
  autoclear: bigint
  /** Empty where the header has a place for the name and nothing there: no image is opened. */
  backingFile: string | undefined
  backingFormat: string | undefined
  readonly compressionType: number
  readonly headerBytes: number
  /** Header bytes past those that we know, kept. */
  readonly unknownFields: Uint8Array
  /** Extensions that we do not know, kept. */
  readonly unknownExtensions: readonly Extension[]
  bitmaps: Extension | undefined
  snapshotCount: number
  snapshotsOffset: number
}

/** What the image needs to know of the node that shows it. */
export interface Surroundings {
  readonly nodeName: () => string
  readonly writable: () => boolean
  readonly log: (line: string, form?: LogForm) => void
  /** Tells of damage; see `NodeHandle.corrupted`. */
  readonly corrupted: (about: {
    readonly message: string
    readonly offset?: number
    readonly bytes?: number
    readonly fatal: boolean
  }) => void
  readonly backing: () => Child | undefined
  /** Length of the node in bytes, 0 as long as there is none. */
  readonly length: () => number
  /** The dirty bitmaps of the node, where it has any. */
  readonly bitmaps: () => NodeBitmaps | undefined
  /** Time of the host, for caches that forget. */
  readonly nowNs: () => number
  readonly compression: Compression
  /** An image that is marked as corrupt never becomes writable again. */
  readonly keepsCorruptReadOnly: boolean
  /** One that turns out to be corrupt is read on, where its tables allow. */
  readonly readsCorrupt: boolean
  /** A compressed cluster takes the place of what is there, which else is an error. */
  readonly rewritesCompressed: boolean
}

export interface Image {
  readonly file: Storage
  readonly geometry: Geometry
  readonly header: HeaderState
  readonly around: Surroundings
  readonly codec: RefcountCodec
  readonly lock: Mutex

  l1: WordTable
  l1Offset: number
  refcountTable: WordTable
  refcountTableOffset: number
  snapshots: readonly Snapshot[]
  snapshotTableBytes: number
  /** As the directory in the file has them. */
  bitmaps: readonly StoredBitmap[]
  /** Where the directory of persistent bitmaps lies. */
  bitmapDirectory: { readonly offset: number; readonly bytes: number } | undefined

  options: RuntimeOptions
  /** What was asked for, as sizes of caches follow the length of the disk. */
  requested: Requested
  overlap: OverlapSet
  l2Cache: TableCache
  refcountCache: TableCache

  /** When tables that nobody used were last forgotten. */
  trimmedNs: number

  /** No cluster below this index is free. */
  freeClusterIndex: number
  /**
   * Where the next compressed cluster goes: in the cluster with the one before it. 0 where that is
   * full, or there was none since the image was opened.
   */
  freeByteOffset: number
  readonly discards: DiscardQueue
  /** Clusters that are allocated but not mapped yet, newest last. */
  readonly allocations: Set<Allocation>
  readonly inFlight: InFlight
  /** An event about damage was sent. */
  corruptionSignalled: boolean
  /** The image was given up after fatal damage, or is closed. */
  dead: boolean
  /** Whether mapped data may be holes in the file; unknown until asked for. */
  metadataPreallocated: boolean | undefined
}
