/** What copies before it writes, as a job may use it. */
import type { MaybePromise } from '../util/async.ts'
import type { BlockError } from '../util/errors.ts'
import type { MarkedBitmap } from './bitmaps.ts'

/** Clusters that a node copies before they change, and that a job may ask it to copy too. */
export interface Copier {
  /** Bytes of a cluster. Only whole ones are copied, or what is left of the last one. */
  readonly clusterBytes: number
  /** What is still to be copied. Bits may be marked and cleared at any time. */
  readonly pending: MarkedBitmap
  /** Bytes that are to be copied or are being copied, in whole clusters. */
  readonly remaining: number
  /** Copy only what the source has above a base, `undefined` for all of its chain. */
  onlyAllocatedAbove: { readonly base: string | undefined } | undefined
  /** Write compressed clusters. */
  compress: boolean
  /** Called when `remaining` may have changed, with the bytes that were copied. */
  progressed: (bytes: number) => void
  /** @param bytesPerSecond - Of requests that keep to it; 0 for no limit. */
  setSpeed(bytesPerSecond: number): void
  request(about?: CopyRequestAbout): CopyRequest
  /**
   * Copies what is pending in the range, which begins and ends with a cluster or the disk, and waits
   * for what others copy there. Whatever fails or is not begun stays pending.
   *
   * @throws {BlockError} of the source or the target: the first one, when nothing runs any more.
   */
  copy(offset: number, bytes: number, request?: CopyRequest): MaybePromise<void>
  /** The range need not be copied any more. */
  forget(offset: number, bytes: number): void
  /**
   * Forgets the clusters from `offset` of which the source itself has nothing.
   *
   * @returns How many bytes from `offset` are alike, in whole clusters.
   * @throws {BlockError} where the source cannot tell.
   */
  forgetUnallocated(offset: number): MaybePromise<number>
}

export interface CopyRequestAbout {
  /** How many stretches may be copied at the same time. */
  readonly workers?: number
  /** Longest stretch in bytes, 0 for no limit. */
  readonly maxChunk?: number
  /** The copier's speed holds for it. */
  readonly keepsSpeed?: boolean
}

/** A request to copy that can be given up, and tells what failed. */
export interface CopyRequest {
  readonly cancelled: boolean
  readonly failure: { readonly side: 'read' | 'write'; readonly error: BlockError } | undefined
  /** What has begun is ended, nothing more begins. */
  cancel(): void
  /** The speed has changed: waits no longer for its sake, but looks again. */
  hurry(): void
}
