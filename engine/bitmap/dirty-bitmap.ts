/** One dirty bitmap of a node: a name, what changed, and whether changes still count. */
import type { ListedBitmap, WriteObserver } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import { Bitmap } from './bitmap.ts'

export class DirtyBitmap implements WriteObserver {
  readonly name: string
  readonly bitmap: Bitmap
  /** Changes of the node's data are marked. */
  recording: boolean
  #users = 0

  constructor(name: string, bitmap: Bitmap, recording: boolean) {
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

  /** @throws {BlockError} where it is busy. */
  checkUsable(): void {
    if (!this.busy) return
    throw new BlockError(
      `Bitmap '${this.name}' is currently in use by another operation and cannot be used`,
    )
  }

  wrote(offset: number, bytes: number): void {
    if (!this.recording) return
    // A node that was reopened over something longer says so by its writes alone, as in QEMU, which
    // dies of them.
    if (offset + bytes > this.bitmap.size) this.bitmap.resize(offset + bytes)
    this.bitmap.mark(offset, bytes)
  }

  resized(bytes: number): void {
    this.bitmap.resize(bytes)
  }
}

/** As queries tell it; members in the order of their declaration. */
export interface DirtyBitmapInfo {
  /** Absent for a driver's own. */
  readonly name: string | undefined
  readonly count: number
  readonly granularity: number
  readonly recording: boolean
  readonly busy: boolean
  readonly persistent: boolean
}

export function dirtyBitmapInfo(listed: DirtyBitmap | ListedBitmap): DirtyBitmapInfo {
  const isOwn = listed instanceof DirtyBitmap
  const { count, granularity } = isOwn ? listed.bitmap : listed
  return {
    name: isOwn ? listed.name : undefined,
    count,
    granularity,
    recording: isOwn && listed.recording,
    busy: isOwn && listed.busy,
    persistent: false,
  }
}
