/** Seeded whole numbers: the same seed gives the same sequence on every machine. */

/** A generator of whole numbers from 0 up to, not including, `bound`. */
export function createPrng(seed: number): (bound: number) => number {
  let state = seed >>> 0
  return (bound) => {
    // Mulberry32: one 32-bit word of state and a full period, which is all that scheduling needs.
    state = (state + 0x6d2b_79f5) >>> 0
    let word = state
    word = Math.imul(word ^ (word >>> 15), word | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}
