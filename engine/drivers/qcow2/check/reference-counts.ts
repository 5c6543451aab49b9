/**
 * Counts of references found by a check, sparse: hostile images may point anywhere, and what one
 * reference costs in memory must stay small.
 */

const CHUNK_CLUSTERS = 512
/** Counts from here on lie in a table of their own. */
const LARGE = 0xff

export class ReferenceCounts {
  readonly #chunks = new Map<number, Uint8Array>()
  /** Their indexes, ascending. */
  #order: number[] = []
  readonly #large = new Map<number, number>()

  set(cluster: number, count: number): void {
    const chunk = this.#chunkFor(Math.floor(cluster / CHUNK_CLUSTERS))
    chunk[cluster % CHUNK_CLUSTERS] = Math.min(count, LARGE)
    if (count >= LARGE) this.#large.set(cluster, count)
    else this.#large.delete(cluster)
  }

  get(cluster: number): number {
    const chunk = this.#chunks.get(Math.floor(cluster / CHUNK_CLUSTERS))
    const count = chunk?.[cluster % CHUNK_CLUSTERS] ?? 0
    return count === LARGE ? (this.#large.get(cluster) ?? LARGE) : count
  }

  clear(): void {
    this.#chunks.clear()
    this.#large.clear()
    this.#order = []
  }

  /** The first cluster from `from` on that has references; Infinity if none has. */
  next(from: number): number {
    const first = this.#placeOf(Math.floor(from / CHUNK_CLUSTERS))
    for (let place = first; place < this.#order.length; place++) {
      const start = (this.#order[place] ?? 0) * CHUNK_CLUSTERS
      for (let at = Math.max(start, from); at < start + CHUNK_CLUSTERS; at++) {
        if (this.get(at) > 0) return at
      }
    }
    return Infinity
  }

  /** Finds and takes neighbouring clusters without references, the first such from `from` on. */
  take(clusters: number, from: number): number {
    let free = 0
    let at = from
    for (; free < clusters; at++) free = this.get(at) === 0 ? free + 1 : 0
    const start = at - clusters
    for (let index = 0; index < clusters; index++) this.set(start + index, 1)
    return start
  }

  #chunkFor(index: number): Uint8Array {
    const known = this.#chunks.get(index)
    if (known !== undefined) return known
    const chunk = new Uint8Array(CHUNK_CLUSTERS)
    this.#chunks.set(index, chunk)
    this.#order.splice(this.#placeOf(index), 0, index)
    return chunk
  }

  /** Where in the order the first index lies that is not below this one. */
  #placeOf(index: number): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#order[middle] ?? 0) < index) low = middle + 1
      else high = middle
    }
    return low
  }
}
