/** Counts of references found by a check, sparse: hostile images may point anywhere. */

const CHUNK_CLUSTERS = 4096

export class ReferenceCounts {
  readonly #chunks = new Map<number, Uint32Array>()

  add(cluster: number): void {
    const index = Math.floor(cluster / CHUNK_CLUSTERS)
    let chunk = this.#chunks.get(index)
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK_CLUSTERS)
      this.#chunks.set(index, chunk)
    }
    const within = cluster % CHUNK_CLUSTERS
    chunk[within] = (chunk[within] ?? 0) + 1
  }

  get(cluster: number): number {
    const chunk = this.#chunks.get(Math.floor(cluster / CHUNK_CLUSTERS))
    return chunk?.[cluster % CHUNK_CLUSTERS] ?? 0
  }

  /** The first cluster from `from` on that may have references; Infinity if none has. */
  nextPossible(from: number): number {
    const index = Math.floor(from / CHUNK_CLUSTERS)
    if (this.#chunks.has(index)) return from
    let next = Infinity
    for (const other of this.#chunks.keys()) {
      if (other > index && other < next) next = other
    }
    return next * CHUNK_CLUSTERS
  }
}
