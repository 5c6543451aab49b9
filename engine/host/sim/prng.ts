/** Seeded whole numbers: the same seed gives the same sequence on every machine. */

export class Prng {
  /** All that the numbers to come depend on. */
  state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number): number {
    // Mulberry32: one 32-bit word of state and a full period, which is all that scheduling needs.
    this.state = (this.state + 0x6d2b_79f5) >>> 0
    let word = this.state
    word = Math.imul(word ^ (word >>> 15), word | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}

/** The same as a function, for whoever only asks. */
export function createPrng(seed: number): (bound: number) => number {
  const prng = new Prng(seed)
  return (bound) => prng.below(bound)
}
