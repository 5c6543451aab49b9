/** A set of a disk's clusters, seen in bytes; queries can list it as a bitmap without a name. */
import type { BitmapView, ListedBitmap } from '../../block/driver.ts'
import { alignUp } from '../../util/align.ts'
import { RangeSet } from '../../util/range-set.ts'

export interface Run {
  readonly offset: number
  readonly bytes: number
}

export class ClusterSet implements ListedBitmap, BitmapView {
  readonly granularity: number
  #size: number
  readonly #clusters = new RangeSet()

  /** @param granularity - Bytes of a cluster. The last one may reach beyond the end of the disk. */
  constructor(size: number, granularity: number) {
    this.#size = size
    this.granularity = granularity
  }

  get size(): number {
    return this.#size
  }

  get count(): number {
    return this.#clusters.count * this.granularity
  }

  /** Puts in every cluster that the range touches. */
  mark(offset: number, bytes: number): void {
    const end = Math.min(offset + bytes, this.#size)
    if (offset < end) this.#clusters.add(this.#first(offset), this.#last(end))
  }

  /** Takes out every cluster that the range touches. */
  unmark(offset: number, bytes: number): void {
    this.#clusters.remove(this.#first(offset), this.#last(offset + bytes))
  }

  /** Puts in the clusters that another bitmap touches. */
  merge(other: BitmapView): void {
    for (let at = 0; ;) {
      const run = other.nextDirty(at, this.#size - at)
      if (run === undefined) return
      this.mark(run.offset, run.bytes)
      at = run.offset + run.bytes
    }
  }

  nextDirty(offset: number, bytes: number): Run | undefined {
    const end = Math.min(offset + bytes, this.#size)
    if (offset >= end) return undefined
    const run = this.#clusters.next(this.#first(offset), this.#last(end))
    if (run === undefined) return undefined
    const from = Math.max(run.from * this.granularity, offset)
    return { offset: from, bytes: Math.min(run.to * this.granularity, end) - from }
  }

  /** Whether all clusters that the range touches are in it. */
  covers(offset: number, bytes: number): boolean {
    return bytes <= 0 || this.#clusters.covers(this.#first(offset), this.#last(offset + bytes))
  }

  /** Clusters that come are not in it. */
  resize(bytes: number): void {
    this.#size = bytes
    this.#clusters.remove(this.#last(bytes), Number.MAX_SAFE_INTEGER)
  }

  #first(offset: number): number {
    return Math.floor(offset / this.granularity)
  }

  #last(end: number): number {
    return alignUp(end, this.granularity) / this.granularity
  }
}
