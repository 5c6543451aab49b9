/**
 * A set of whole numbers as disjoint ranges in ascending order. Memory follows the number of
 * ranges, not what they span.
 */

export interface Range {
  readonly from: number
  /** Beyond the last one. */
  readonly to: number
}

export class RangeSet {
  /** Neither overlapping nor touching. */
  #ranges: Range[] = []
  #count = 0

  /** How many numbers are in it. */
  get count(): number {
    return this.#count
  }

  add(from: number, to: number): void {
    if (from >= to) return
    // Ranges that touch the new one become part of it.
    const first = this.#firstEndingAt(from)
    const last = this.#firstBeginningAfter(to)
    const merged = {
      from: Math.min(from, this.#ranges[first]?.from ?? from),
      to: Math.max(to, this.#ranges[last - 1]?.to ?? to),
    }
    this.#replace(first, Math.max(first, last), [merged])
  }

  remove(from: number, to: number): void {
    if (from >= to) return
    const first = this.#firstEndingAt(from + 1)
    const last = this.#firstBeginningAfter(to - 1)
    if (first >= last) return
    const head = { from: this.#ranges[first]?.from ?? from, to: from }
    const tail = { from: to, to: this.#ranges[last - 1]?.to ?? to }
    this.#replace(
      first,
      last,
      [head, tail].filter((range) => range.from < range.to),
    )
  }

  /** The first run of numbers in the set at or after `from` and before `to`, cut off there. */
  next(from: number, to: number): Range | undefined {
    const found = this.#ranges[this.#firstEndingAt(from + 1)]
    if (found === undefined || found.from >= to || from >= to) return undefined
    return { from: Math.max(found.from, from), to: Math.min(found.to, to) }
  }

  /** Whether every number from `from` to `to` is in it. */
  covers(from: number, to: number): boolean {
    if (from >= to) return true
    const run = this.next(from, to)
    return run?.from === from && run.to === to
  }

  /** Index of the first range that ends at or after a place. */
  #firstEndingAt(place: number): number {
    return this.#firstWhere(({ to }) => to >= place)
  }

  /** Index of the first range that begins after a place. */
  #firstBeginningAfter(place: number): number {
    return this.#firstWhere(({ from }) => from > place)
  }

  /** @param isBeyond - False for all ranges before the one looked for, true from there on. */
  #firstWhere(isBeyond: (range: Range) => boolean): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const range = this.#ranges[middle]
      if (range !== undefined && isBeyond(range)) high = middle
      else low = middle + 1
    }
    return low
  }

  #replace(first: number, last: number, ranges: readonly Range[]): void {
    const gone = this.#ranges.splice(first, last - first, ...ranges)
    this.#count += totalOf(ranges) - totalOf(gone)
  }
}

function totalOf(ranges: readonly Range[]): number {
  return ranges.reduce((total, { from, to }) => total + to - from, 0)
}
