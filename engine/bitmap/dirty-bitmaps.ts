/**
 * The dirty bitmaps of all nodes: by node and name, and what may be done with them. Every change
 * comes as a preparation that is then committed or aborted, so that several can be made together.
 */
import type {
  BitmapKeeper,
  BitmapView,
  ListedBitmap,
  NodeBitmaps,
  WriteObserver,
} from '../block/driver.ts'
import { andThen, type MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { Bitmap } from './bitmap.ts'
import { DirtyBitmap, keptBitmap, type Tolerance } from './dirty-bitmap.ts'

/** A node, as far as its bitmaps care. */
export interface Disk {
  readonly name: string
  readonly observers: Set<WriteObserver>
  /** Whether its image turned out to be corrupt: then nothing is kept in it any more. */
  readonly corrupted: boolean
  /** Where the node's image can keep bitmaps. */
  readonly bitmapKeeper: BitmapKeeper | undefined
  length(): number
}

export interface Disks {
  /** No change of a node's data may escape its bitmaps. */
  readonly bitmapsSeeAll: boolean
  /** The node that has the bitmaps of a node. */
  bitmapNode(disk: Disk): Disk
  findOrUndefined(name: string): Disk | undefined
  /** @throws {BlockError} where there is none. */
  findDeviceOrNode(name: string): Disk
}

/** How a prepared change ends. Neither may fail. */
export interface Change {
  commit?(): void
  abort?(): void
}

/** A bitmap by the names of itself and its node. */
export interface BitmapAddress {
  readonly node: string
  readonly name: string
}

export interface NewBitmap extends BitmapAddress {
  readonly granularity?: number | undefined
  readonly persistent?: boolean | undefined
  readonly disabled?: boolean | undefined
}

export interface Merge {
  readonly node: string
  readonly target: string
  /** Names on the same node, or names with their nodes. */
  readonly bitmaps: readonly (string | BitmapAddress)[]
}

const MIN_GRANULARITY = 512
const DEFAULT_GRANULARITY = 65536
const MIN_DEFAULT_GRANULARITY = 4096
const MAX_NAME_BYTES = 1023

const encoder = new TextEncoder()
/** Newest first. A node that goes takes its bitmaps with it. */
const lists = new WeakMap<Disk, readonly Listed[]>()

type Listed = DirtyBitmap | ListedBitmap

/** Newest first, drivers' own among them. */
export function bitmapsOf(disk: Disk): readonly Listed[] {
  return lists.get(disk) ?? []
}

export function bitmapOf(disk: Disk, name: string): DirtyBitmap | undefined {
  return bitmapsOf(disk).find(
    (bitmap): bitmap is DirtyBitmap => bitmap instanceof DirtyBitmap && bitmap.name === name,
  )
}

/** Shows a driver's own bitmap in queries; returns what ends that. */
export function listBitmap(disk: Disk, bitmap: ListedBitmap): () => void {
  const observer: WriteObserver = {
    resized: (bytes) => {
      bitmap.resize(bytes)
    },
  }
  return list(disk, bitmap, observer)
}

/** The named bitmaps as the driver that keeps some of them in its image sees them. */
export function nodeBitmaps(
  disk: Disk,
  { bitmapsSeeAll }: Pick<Disks, 'bitmapsSeeAll'>,
): NodeBitmaps {
  const kept = (dirty: DirtyBitmap) =>
    keptBitmap(dirty, () => {
      drop(disk, dirty, dirty)
    })
  return {
    list: () => bitmapsOf(disk).flatMap((each) => (each instanceof DirtyBitmap ? kept(each) : [])),
    load(name, { size, granularity }) {
      const made = new DirtyBitmap(name, new Bitmap(size, granularity), true, bitmapsSeeAll)
      made.persistent = true
      list(disk, made, made)
      return kept(made)
    },
  }
}

/** @throws {BlockError} where there is no such node or bitmap. */
export function findBitmap(disks: Disks, address: BitmapAddress): DirtyBitmap {
  return locate(disks, address).bitmap
}

/**
 * A new bitmap, clean and recording unless it is to be disabled.
 *
 * @param clusterBytes - The unit in which the node's image changes, if it has one.
 * @throws {BlockError} for what the names or the granularity cannot be.
 */
export function addBitmap(
  disks: Disks,
  about: NewBitmap,
  clusterBytes: (disk: Disk) => number | undefined,
): Change {
  const { name } = about
  if (name === '') throw new BlockError('Bitmap name cannot be empty')
  const disk = disks.bitmapNode(disks.findDeviceOrNode(about.node))
  const granularity = about.granularity ?? defaultGranularity(clusterBytes(disk))
  if (granularity < MIN_GRANULARITY || !Number.isInteger(Math.log2(granularity))) {
    throw new BlockError('Granularity must be power of 2 and at least 512')
  }
  if (about.persistent === true) checkStorable(disk, name, granularity)
  if (bitmapOf(disk, name) !== undefined) throw new BlockError(`Bitmap already exists: ${name}`)
  if (encoder.encode(name).length > MAX_NAME_BYTES) {
    throw new BlockError(`Bitmap name too long: ${name}`)
  }
  const bitmap = new Bitmap(lengthOf(disk), granularity)
  const made = new DirtyBitmap(name, bitmap, about.disabled !== true, disks.bitmapsSeeAll)
  made.persistent = about.persistent === true
  list(disk, made, made)
  return {
    abort: () => {
      const heir = heirOf(disk, made)
      drop(disk, heir, heir)
    },
  }
}

/**
 * The bitmap is busy until the change is settled, and goes when it is committed. Out of its image
 * it goes at once, and is put there again, if the change is undone, when the node closes.
 */
export function removeBitmap(disks: Disks, address: BitmapAddress): MaybePromise<Change> {
  const { disk, bitmap } = findUsable(disks, address, { inconsistent: true })
  const isKept = bitmap.persistent && !bitmap.leavingImage && !disk.corrupted
  return andThen(isKept ? disk.bitmapKeeper?.remove(address.name) : undefined, () => {
    const release = bitmap.occupy()
    bitmap.leavingImage = true
    return {
      commit: () => {
        drop(disk, bitmap, bitmap)
      },
      abort: () => {
        bitmap.leavingImage = false
        release()
      },
    }
  })
}

export function clearBitmap(disks: Disks, address: BitmapAddress): Change {
  const { disk, bitmap } = findUsable(disks, address)
  const saved = bitmap.bitmap.copy()
  bitmap.bitmap.clear()
  return {
    abort: () => {
      heirOf(disk, bitmap).bitmap.restore(saved)
    },
  }
}

/** Turns recording on or off. */
export function setRecording(disks: Disks, address: BitmapAddress, recording: boolean): Change {
  const { disk, bitmap } = findUsable(disks, address, { readOnly: true })
  const before = bitmap.recording
  bitmap.recording = recording
  return {
    // What changed nothing has nothing to undo, whatever others did to the bitmap meanwhile.
    abort: () => {
      if (before !== recording) heirOf(disk, bitmap).recording = before
    },
  }
}

/** Marks in one bitmap all that others have marked. Nothing changes where one of them is refused. */
export function mergeBitmaps(disks: Disks, { node, target, bitmaps }: Merge): Change {
  const { disk, bitmap: found } = locate(disks, { node, name: target })
  const into = found.bitmap
  const merged = into.copy()
  for (const each of bitmaps) {
    const source = findBitmap(disks, typeof each === 'string' ? { node, name: each } : each)
    found.checkUsable()
    source.checkUsable({ readOnly: true })
    checkSameSize(into, source.bitmap)
    merged.merge(source.bitmap)
  }
  const saved = into.copy()
  into.restore(merged)
  return {
    abort: () => {
      heirOf(disk, found).bitmap.restore(saved)
    },
  }
}

/** A bitmap that a job works from, while another one without a name notes what changes. */
export interface FrozenBitmap {
  /** As it was when it was frozen. */
  readonly bitmap: BitmapView
  /** What changed since takes its place and its name. */
  replace(): DirtyBitmap
  /** What changed since is marked in it. */
  reclaim(): DirtyBitmap
}

/** Keeps a bitmap, which must be usable, as it is and busy, until it is replaced or reclaimed. */
export function freezeBitmap(disk: Disk, frozen: DirtyBitmap): FrozenBitmap {
  const { bitmap, recording } = frozen
  const copy = new Bitmap(bitmap.size, bitmap.granularity)
  const standIn = new DirtyBitmap(undefined, copy, recording, frozen.seesAll)
  const release = frozen.occupy()
  frozen.standIn = standIn
  const unlist = list(disk, standIn, standIn)
  return {
    bitmap,
    replace() {
      drop(disk, frozen, frozen)
      standIn.name = frozen.name
      standIn.persistent = frozen.persistent
      return standIn
    },
    reclaim() {
      unlist()
      frozen.standIn = undefined
      bitmap.merge(copy)
      release()
      return frozen
    },
  }
}

/** The bitmap, or what took its place and its name: a job of the same transaction may have done so. */
function heirOf(disk: Disk, bitmap: DirtyBitmap): DirtyBitmap {
  if (bitmap.name === undefined) return bitmap
  return bitmapOf(disk, bitmap.name) ?? bitmap
}

function lengthOf(disk: Disk): number {
  try {
    return disk.length()
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.prepend('could not get length of device', error)
  }
}

function findDisk(disks: Disks, name: string): Disk {
  const disk = disks.findOrUndefined(name)
  if (disk === undefined) throw new BlockError(`Node '${name}' not found`)
  return disks.bitmapNode(disk)
}

/** A bitmap, and the disk that lists it. */
interface Located {
  readonly disk: Disk
  readonly bitmap: DirtyBitmap
}

function locate(disks: Disks, { node, name }: BitmapAddress): Located {
  const disk = findDisk(disks, node)
  const bitmap = bitmapOf(disk, name)
  if (bitmap === undefined) throw new BlockError(`Dirty bitmap '${name}' not found`)
  return { disk, bitmap }
}

function findUsable(disks: Disks, address: BitmapAddress, tolerance?: Tolerance): Located {
  const located = locate(disks, address)
  located.bitmap.checkUsable(tolerance)
  return located
}

export function defaultGranularity(clusterBytes = 0): number {
  if (clusterBytes === 0) return DEFAULT_GRANULARITY
  return Math.min(DEFAULT_GRANULARITY, Math.max(MIN_DEFAULT_GRANULARITY, clusterBytes))
}

function checkStorable(disk: Disk, name: string, granularity: number): void {
  const what = `Can't store persistent bitmaps to ${disk.name}`
  if (disk.corrupted) throw BlockError.system(what, 'ENOMEDIUM')
  if (disk.bitmapKeeper === undefined) throw BlockError.system(what, 'ENOTSUP')
  disk.bitmapKeeper.check(name, granularity)
}

function checkSameSize(target: Bitmap, source: Bitmap): void {
  if (target.size === source.size) return
  throw new BlockError(
    `Bitmaps are of different sizes (destination size is ${target.size}, ` +
      `source size is ${source.size}) and can't be merged`,
  )
}

function list(disk: Disk, bitmap: Listed, observer: WriteObserver): () => void {
  lists.set(disk, [bitmap, ...bitmapsOf(disk)])
  disk.observers.add(observer)
  return () => {
    drop(disk, bitmap, observer)
  }
}

function drop(disk: Disk, gone: Listed, observer: WriteObserver): void {
  const kept = bitmapsOf(disk).filter((bitmap) => bitmap !== gone)
  lists.set(disk, kept)
  disk.observers.delete(observer)
}
