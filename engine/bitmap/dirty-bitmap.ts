/** One dirty bitmap of a node: a name, what changed, and whether changes still count. */
import type { KeptBitmap, ListedBitmap, WriteObserver } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import { Bitmap } from './bitmap.ts'

/** What a use of a bitmap can live with. */
export interface Tolerance {
  readonly readOnly?: boolean
  readonly inconsistent?: boolean
}

export class DirtyBitmap implements WriteObserver {
  /** Absent while it stands in for another one. */
  name: string | undefined
  readonly bitmap: Bitmap
  /** Changes of the node's data are marked, here or in the one that stands in. */
  recording: boolean
  /** Marks what changes instead of this one, which stays as it is. */
  standIn: DirtyBitmap | undefined
  /** It is kept in the node's image. */
  persistent = false
  /** Its bits in the image are not to be trusted. */
  inconsistent = false
  /** Neither it nor the node's data may change. */
  readOnly = false
  /** It was taken out of the image, in a change that may still be undone. */
  leavingImage = false
  readonly seesAll: boolean
  #users = 0

  /** @param seesAll - No change of the node's data may escape it. */
  constructor(name: string | undefined, bitmap: Bitmap, recording: boolean, seesAll = false) {
    this.seesAll = seesAll
    this.name = name
    this.bitmap = bitmap
    this.recording = recording
  }

  /** Somebody relies on it: an export, a change that is being prepared. */
  get busy(): boolean {
    return this.#users > 0
  }

  /** Nobody else may change it until what this returns is called. */
  occupy(): () => void {
    let occupied = true
    this.#users += 1
    return () => {
      if (occupied) this.#users -= 1
      occupied = false
    }
  }

  /** @throws {BlockError} where it is busy, or something else that the use cannot live with. */
  checkUsable(tolerance: Tolerance = {}): void {
    const refuse = (why: string): never => {
      throw new BlockError(`Bitmap '${this.name ?? ''}' is ${why}`)
    }
    if (this.busy) refuse('currently in use by another operation and cannot be used')
    if (this.readOnly && tolerance.readOnly !== true) refuse('readonly and cannot be modified')
    if (this.inconsistent && tolerance.inconsistent !== true) {
      refuse('inconsistent and cannot be used')
    }
  }

  wrote(offset: number, bytes: number): void {
    if (!this.recording || this.standIn !== undefined) return
    // A node that was reopened over something longer says so by its writes alone, as in QEMU, which
    // dies of them.
    if (offset + bytes > this.bitmap.size) this.bitmap.resize(offset + bytes)
    this.bitmap.mark(offset, bytes)
  }

  resized(bytes: number): void {
    this.bitmap.resize(bytes)
  }
}

/** How the driver that keeps the bitmap in its image sees it. */
export function keptBitmap(dirty: DirtyBitmap, release: () => void): KeptBitmap {
  const { bitmap } = dirty
  return {
    name: dirty.name ?? '',
    get granularity() {
      return bitmap.granularity
    },
    get size() {
      return bitmap.size
    },
    get persistent() {
      return dirty.persistent && !dirty.leavingImage
    },
    get recording() {
      return dirty.recording
    },
    set recording(value) {
      dirty.recording = value
    },
    get inconsistent() {
      return dirty.inconsistent
    },
    set inconsistent(value) {
      dirty.inconsistent = value
    },
    get readOnly() {
      return dirty.readOnly
    },
    set readOnly(value) {
      dirty.readOnly = value
    },
    nextDirty: (offset, bytes) => bitmap.nextDirty(offset, bytes),
    serialise: (offset, bytes) => bitmap.serialiseRange(offset, bytes),
    deserialise: (offset, bits) => {
      bitmap.deserialise(offset, bits)
    },
    mark: (offset, bytes) => {
      bitmap.mark(offset, bytes)
    },
    release,
  }
}

/** As queries tell it; members in the order of their declaration. */
export interface DirtyBitmapInfo {
  /** Absent for a driver's own, and for one that stands in for another. */
  readonly name: string | undefined
  readonly count: number
  readonly granularity: number
  readonly recording: boolean
  readonly busy: boolean
  readonly persistent: boolean
  /** Told only where it is. */
  readonly inconsistent: true | undefined
}

export function dirtyBitmapInfo(listed: DirtyBitmap | ListedBitmap): DirtyBitmapInfo {
  const isOwn = listed instanceof DirtyBitmap
  const { count, granularity } = isOwn ? listed.bitmap : listed
  return {
    name: isOwn ? listed.name : undefined,
    count,
    granularity,
    recording: listed.recording === true,
    busy: isOwn && listed.busy,
    persistent: isOwn && listed.persistent,
    inconsistent: isOwn && listed.inconsistent ? true : undefined,
  }
}
