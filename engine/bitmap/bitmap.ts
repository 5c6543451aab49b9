/** A bitmap over a disk: offsets and lengths in bytes, one bit for each `granularity` of them. */
import type { BitmapView } from '../block/driver.ts'
import { isZero } from '../util/bytes.ts'
import { BitTree } from './bit-tree.ts'

const WORD_BITS = 64
/** Looked at in one call. */
const PIECE_BYTES = 512

export interface Run {
  readonly offset: number
  readonly bytes: number
}

export class Bitmap implements BitmapView {
  readonly granularity: number
  #size: number
  #bits: BitTree

  /** @param granularity - Bytes that one bit stands for, a power of two. */
  constructor(size: number, granularity: number) {
    this.granularity = granularity
    this.#size = size
    this.#bits = new BitTree(Math.ceil(size / granularity))
  }

  /** Bytes of the disk. */
  get size(): number {
    return this.#size
  }

  /** Dirty bytes, in whole bits: may be more than the disk has. */
  get count(): number {
    return this.#bits.count * this.granularity
  }

  /** Marks every bit that the range touches. */
  mark(offset: number, bytes: number): void {
    if (bytes <= 0) return
    this.#bits.assign(this.#bitOf(offset), this.#bitOf(offset + bytes - 1) + 1, true)
  }

  /** Clears every bit that the range touches. */
  unmark(offset: number, bytes: number): void {
    if (bytes <= 0) return
    this.#bits.assign(this.#bitOf(offset), this.#bitOf(offset + bytes - 1) + 1, false)
  }

  clear(): void {
    this.#bits.clear()
  }

  /** The first dirty byte at or after `offset`. */
  nextDirtyByte(offset: number): number | undefined {
    const bit = this.#bits.next(this.#bitOf(offset), true)
    return bit === undefined ? undefined : Math.max(bit * this.granularity, offset)
  }

  /** The first clean byte at or after `offset`, below the end of the disk. */
  nextClean(offset: number): number | undefined {
    const bit = this.#bits.next(this.#bitOf(offset), false)
    return bit === undefined ? undefined : Math.max(bit * this.granularity, offset)
  }

  nextDirty(offset: number, bytes: number): Run | undefined {
    const end = Math.min(offset + bytes, this.#size)
    const from = offset < end ? this.nextDirtyByte(offset) : undefined
    if (from === undefined || from >= end) return undefined
    return { offset: from, bytes: Math.min(this.nextClean(from) ?? end, end) - from }
  }

  /** What comes is clean. */
  resize(size: number): void {
    this.#size = size
    this.#bits.resize(Math.ceil(size / this.granularity))
  }

  /** Whether every byte of the range is dirty. */
  covers(offset: number, bytes: number): boolean {
    return bytes <= 0 || (this.nextClean(offset) ?? Infinity) >= offset + bytes
  }

  /** Marks what the other one, over a disk of the same size, has marked. */
  merge(other: BitmapView): void {
    // A bitmap that is merged with itself must not change while it is walked.
    if (other === this) return
    for (let at = 0; ;) {
      const run = other.nextDirty(at, this.#size - at)
      if (run === undefined) return
      this.mark(run.offset, run.bytes)
      at = run.offset + run.bytes
    }
  }

  copy(): Bitmap {
    const copied = new Bitmap(this.#size, this.granularity)
    copied.#bits = this.#bits.copy()
    return copied
  }

  /** Becomes what a copy was. */
  restore(saved: Bitmap): void {
    this.#size = saved.#size
    this.#bits = saved.#bits.copy()
  }

  /** The bits as 64-bit words, as QEMU hashes them. */
  serialise(): Iterable<Uint8Array> {
    return this.#bits.serialise()
  }

  /** The bits of a range as bytes, lowest bit first, filled up with zeroes to whole 64-bit words. */
  serialiseRange(offset: number, bytes: number): Uint8Array {
    const words = Math.ceil(Math.ceil(bytes / this.granularity) / WORD_BITS)
    const bits = new Uint8Array(words * (WORD_BITS / 8))
    const end = offset + bytes
    for (let at = offset; ;) {
      const run = this.nextDirty(at, end - at)
      if (run === undefined) return bits
      at = run.offset + run.bytes
      const last = this.#bitOf(at - 1 - offset)
      for (let bit = this.#bitOf(run.offset - offset); bit <= last; bit++) {
        bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7))
      }
    }
  }

  /** Marks what such bytes have marked, as far as the disk reaches. */
  deserialise(offset: number, bits: Uint8Array): void {
    for (let start = 0; start < bits.length; start += PIECE_BYTES) {
      const end = Math.min(bits.length, start + PIECE_BYTES)
      // Most of a cluster lies behind the end of the disk, or is clean.
      if (isZero(bits.subarray(start, end))) continue
      for (let index = start; index < end; index++) {
        const byte = bits[index] ?? 0
        for (let bit = 0; byte >> bit > 0; bit++) {
          const at = offset + (index * 8 + bit) * this.granularity
          if (((byte >> bit) & 1) === 1 && at < this.#size) this.mark(at, 1)
        }
      }
    }
  }

  #bitOf(offset: number): number {
    return Math.floor(offset / this.granularity)
  }
}
