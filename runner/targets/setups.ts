/**
 * What setups made of simulated files, kept for cases that begin with the same steps: those of one
 * scenario do, and images of a few kinds are all that most need.
 */
import type { SimHost, SimState } from '../../engine/index.ts'
import type { SetupRecord, Setups } from './target.ts'

/** How many are kept: neighbours are alike, and files take memory. */
const MOST_KEPT = 32
/** Larger files than that, in all, are made anew. */
const MOST_BYTES = 4 * 2 ** 20

interface Entry {
  readonly state: SimState
  readonly record: SetupRecord
}

export class KeptSetups {
  /** By what was done, least lately used first. */
  readonly #entries = new Map<string, Entry>()

  /** Those of hosts that were made alike, which `kind` tells. */
  of(host: SimHost, kind: string): Setups {
    const keyOf = (steps: string): string => `${kind}\n${steps}`
    return {
      restore: (steps) => {
        const key = keyOf(steps)
        const entry = this.#entries.get(key)
        if (entry === undefined) return undefined
        this.#put(key, entry)
        host.restore(entry.state)
        return entry.record
      },
      keep: async (steps, record) => {
        await host.idle()
        const state = host.save()
        if (state.storedBytes <= MOST_BYTES) this.#put(keyOf(steps), { state, record })
        else state.release()
      },
    }
  }

  #put(key: string, entry: Entry): void {
    const before = this.#entries.get(key)
    if (before !== entry) before?.state.release()
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    const [oldest] = this.#entries
    if (this.#entries.size <= MOST_KEPT || oldest === undefined) return
    this.#entries.delete(oldest[0])
    oldest[1].state.release()
  }
}
