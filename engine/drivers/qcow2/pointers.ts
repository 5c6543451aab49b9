/**
 * The clusters that a table points to, for quick answers. It follows the table's changes, so that
 * large tables are gone through once and not for each write.
 */
import type { WordTable } from '../../util/struct.ts'

type OffsetOf = (table: WordTable, index: number) => number

export class Pointers {
  readonly #table: WordTable
  readonly #offsetOf: OffsetOf
  readonly #clusterBytes: number
  /** What each entry pointed to when it was last looked at, unless it was to nothing. */
  readonly #offsets = new Map<number, number>()
  /** How many entries point into a cluster, by its index. */
  readonly #counts = new Map<number, number>()

  constructor(table: WordTable, offsetOf: OffsetOf, clusterBytes: number) {
    this.#table = table
    this.#offsetOf = offsetOf
    this.#clusterBytes = clusterBytes
    table.takeChanged()
    for (let index = table.nextSet(0); index < table.length; index = table.nextSet(index + 1)) {
      this.#look(index)
    }
  }

  /** Whether any entry points to a cluster that shares bytes with the range of whole clusters. */
  hit(from: number, end: number): boolean {
    for (const index of this.#table.takeChanged()) this.#look(index)
    const first = Math.floor(from / this.#clusterBytes)
    const last = Math.ceil(end / this.#clusterBytes)
    if (last - first > this.#counts.size) {
      for (const cluster of this.#counts.keys()) if (cluster >= first && cluster < last) return true
      return false
    }
    for (let cluster = first; cluster < last; cluster++) if (this.#counts.has(cluster)) return true
    return false
  }

  #look(index: number): void {
    const offset = this.#offsetOf(this.#table, index)
    const old = this.#offsets.get(index) ?? 0
    if (offset === old) return
    if (offset === 0) this.#offsets.delete(index)
    else this.#offsets.set(index, offset)
    if (old !== 0) this.#count(old, -1)
    if (offset !== 0) this.#count(offset, 1)
  }

  /** Where a damaged entry is not aligned it points into two clusters. */
  #count(offset: number, change: 1 | -1): void {
    const first = Math.floor(offset / this.#clusterBytes)
    const last = Math.floor((offset + this.#clusterBytes - 1) / this.#clusterBytes)
    for (const cluster of first === last ? [first] : [first, last]) {
      const count = (this.#counts.get(cluster) ?? 0) + change
      if (count === 0) this.#counts.delete(cluster)
      else this.#counts.set(cluster, count)
    }
  }
}

const known = new WeakMap<WordTable, Pointers>()

export function pointersOf(table: WordTable, offsetOf: OffsetOf, clusterBytes: number): Pointers {
  const found = known.get(table) ?? new Pointers(table, offsetOf, clusterBytes)
  known.set(table, found)
  return found
}
