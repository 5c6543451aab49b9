/**
 * Clusters of a target that cannot fill up by itself what lies around a part of one, since its
 * backing image is not open yet: the first copy into each has to be a whole one.
 */
import { Bitmap } from '../../bitmap/bitmap.ts'
import { alignDown, alignUp } from '../../util/align.ts'

interface Range {
  readonly offset: number
  readonly bytes: number
}

export class WholeClusters {
  readonly #clusterBytes: number
  /** What is there already, so that parts of it may be copied. */
  readonly #there: Bitmap

  /** @param granularity - Of the copying, less than a cluster. */
  constructor(size: number, granularity: number, clusterBytes: number) {
    this.#there = new Bitmap(size, granularity)
    this.#clusterBytes = clusterBytes
  }

  /** The range, or whole clusters around it where one of its ends is in one that is not there. */
  around(offset: number, bytes: number): Range {
    const isThere = (at: number): boolean => this.#there.covers(at, 1)
    if (isThere(offset) && isThere(offset + bytes - 1)) return { offset, bytes }
    const from = alignDown(offset, this.#clusterBytes)
    const to = Math.min(alignUp(offset + bytes, this.#clusterBytes), this.#there.size)
    return { offset: from, bytes: to - from }
  }

  filled(offset: number, bytes: number): void {
    this.#there.mark(offset, bytes)
  }
}
