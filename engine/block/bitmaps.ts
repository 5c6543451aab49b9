/** Dirty bitmaps, and others who must know what changed, as drivers see them. */
import type { MaybePromise } from '../util/async.ts'

/** A dirty bitmap as a driver may read it. */
export interface BitmapView {
  readonly granularity: number
  /** Bytes of the disk it is over. */
  readonly size: number
  /** The first dirty run at or after `offset`, cut off at `offset + bytes`. */
  nextDirty(
    offset: number,
    bytes: number,
  ): { readonly offset: number; readonly bytes: number } | undefined
}

/** A bitmap that may be changed. */
export interface MarkedBitmap extends BitmapView {
  /** Dirty bytes, in whole bits. */
  readonly count: number
  /** Marks every bit that the range touches. */
  mark(offset: number, bytes: number): void
  /** Clears every bit that the range touches. */
  unmark(offset: number, bytes: number): void
  clear(): void
  /** Marks what the other one, over a disk of the same size, has marked. */
  merge(other: BitmapView): void
}

/** A bitmap that somebody else keeps, as queries list it. */
export interface ListedBitmap {
  readonly granularity: number
  /** Dirty bytes, in whole bits. */
  readonly count: number
  /** All changes of the node are marked; default false. */
  readonly recording?: boolean
  resize(bytes: number): void
}

/** The named dirty bitmaps of a node, as the driver that keeps some of them in its image sees them. */
export interface NodeBitmaps {
  /** Newest first. */
  list(): readonly KeptBitmap[]
  /** A new one, as yet clean and recording, that came out of the image. */
  load(name: string, about: { readonly size: number; readonly granularity: number }): KeptBitmap
}

export interface KeptBitmap extends BitmapView {
  readonly name: string
  /** It is to be in the image. */
  readonly persistent: boolean
  /** Changes of the node's data are marked. */
  recording: boolean
  /** Its bits in the image are not to be trusted, so that it can only be removed. */
  inconsistent: boolean
  /** Neither it nor the node's data may change. */
  readOnly: boolean
  /** Bits of a range that starts at a multiple of 64 bits, lowest first, in whole 64-bit words. */
  serialise(offset: number, bytes: number): Uint8Array
  /** Marks what is marked in such words. */
  deserialise(offset: number, bits: Uint8Array): void
  mark(offset: number, bytes: number): void
  /** The node has it no longer. */
  release(): void
}

/** An image that can keep dirty bitmaps. */
export interface BitmapKeeper {
  /** @throws {BlockError} where the image cannot keep one more, of this kind. */
  check(name: string, granularity: number): void
  /** Takes one out of the image, where it may not be. */
  remove(name: string): MaybePromise<void>
}

/** Somebody who must know what of a node's data changed: a dirty bitmap, a write threshold. */
export interface WriteObserver {
  /** Called before a change begins, where asked for. */
  writing?(offset: number, bytes: number): void
  /** Called after a write, zeroing or discard, also one that failed and may have changed some. */
  wrote?(offset: number, bytes: number): void
  /** The node's length changed. */
  resized?(bytes: number): void
  /** Nobody else may write to what lies below the node and shows through it. */
  readonly seesAll?: boolean
  /** While true, nothing may change the node's data. */
  readonly readOnly?: boolean
}
