/** Ranges that are being worked on, and waiting for those that overlap another one. */
import { assert } from '../util/assert.ts'

export interface InFlightRange {
  readonly offset: number
  /** Exclusive; becomes less where the range turns out to be too long. */
  end: number
  readonly waiters: (() => void)[]
}

export class InFlight {
  readonly #ranges = new Set<InFlightRange>()
  #bytes = 0

  /** Bytes in all ranges together. */
  get bytes(): number {
    return this.#bytes
  }

  begin(offset: number, bytes: number): InFlightRange {
    const range = { offset, end: offset + bytes, waiters: [] }
    this.#ranges.add(range)
    this.#bytes += bytes
    return range
  }

  /** Cuts a range off. Who waited for it looks again. */
  shorten(range: InFlightRange, bytes: number): void {
    const end = range.offset + bytes
    assert(end <= range.end, 'a range in flight becomes longer')
    this.#bytes -= range.end - end
    range.end = end
    wake(range)
  }

  end(range: InFlightRange): void {
    assert(this.#ranges.delete(range), 'a range in flight ended twice')
    this.#bytes -= range.end - range.offset
    wake(range)
  }

  overlaps(offset: number, bytes: number): boolean {
    return this.#overlapping(offset, bytes) !== undefined
  }

  /** Resolves when one overlapping range has ended or become shorter; undefined if there is none. */
  oneOver(offset: number, bytes: number): Promise<void> | undefined {
    const range = this.#overlapping(offset, bytes)
    return range && new Promise((resolve) => range.waiters.push(resolve))
  }

  /** Begins a range once none overlaps it; nobody comes in between. */
  async claim(offset: number, bytes: number): Promise<InFlightRange> {
    for (let over = this.oneOver(offset, bytes); over !== undefined;) {
      await over
      over = this.oneOver(offset, bytes)
    }
    return this.begin(offset, bytes)
  }

  #overlapping(offset: number, bytes: number): InFlightRange | undefined {
    for (const range of this.#ranges) {
      if (range.offset < offset + bytes && offset < range.end) return range
    }
    return undefined
  }
}

function wake({ waiters }: InFlightRange): void {
  for (const waiter of waiters.splice(0)) waiter()
}
