/**
 * Seeded choices. A sequence's generator is made from the run's seed and the sequence's index alone,
 * so that one sequence can be drawn again without those before it.
 */

const GOLDEN_RATIO = 0x9e37_79b9

export class Random {
  #state: number

  constructor(...seeds: readonly number[]) {
    this.#state = seeds.reduce((state, seed) => mix((state ^ (seed >>> 0)) + GOLDEN_RATIO), 0x2545)
  }

  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + GOLDEN_RATIO) >>> 0
    return Math.floor((mix(this.#state) / 2 ** 32) * bound)
  }

  chance(probability: number): boolean {
    return this.below(1 << 20) < probability * (1 << 20)
  }

  /** One of the items; there must be some. */
  pick<T>(items: readonly [T, ...T[]]): T
  pick<T>(items: readonly T[]): T | undefined
  pick<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : items[this.below(items.length)]
  }

  /** One of the items, each as often as its weight says. */
  weighted<T>(items: readonly T[], weight: (item: T) => number): T | undefined {
    const total = items.reduce((sum, item) => sum + weight(item), 0)
    let at = (this.below(2 ** 30) / 2 ** 30) * total
    for (const item of items) {
      at -= weight(item)
      if (at < 0) return item
    }
    return items.at(-1)
  }

  /** The items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const keyed = items.map((item) => ({ item, key: this.below(2 ** 30) }))
    return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
  }
}

/** Spreads a 32-bit word: neighbouring inputs give unrelated outputs. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x21f0_aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
