/**
 * Which of several ready tasks of the engine runs next. While actors play, the trail follows its
 * picks, takes the oldest task where it has none, and notes how many there were to choose from;
 * outside of that a seed decides as always.
 */
import type { TaskChoice } from '../dsl/plan.ts'

type Pick = (count: number) => number

export class TaskTrail {
  /** How many tasks were ready, choice by choice. */
  readonly counts: number[] = []
  readonly #outside: Pick
  readonly #inside: Pick | undefined
  readonly #picks: ReadonlyMap<number, number>
  #isOpen = false

  /** @param seed - Decides while actors play, in place of picks. */
  constructor(outside: number, picks: readonly TaskChoice[], seed?: number) {
    this.#outside = createDice(outside)
    this.#inside = seed === undefined ? undefined : createDice(seed)
    this.#picks = new Map(picks.map(({ at, pick }) => [at, pick]))
  }

  readonly choose: Pick = (count) => {
    if (!this.#isOpen) return this.#outside(count)
    const at = this.counts.length
    this.counts.push(count)
    if (this.#inside !== undefined) return this.#inside(count)
    return Math.min(this.#picks.get(at) ?? 0, count - 1)
  }

  open(): void {
    this.#isOpen = true
  }

  close(): void {
    this.#isOpen = false
  }
}

/** Whole numbers below a bound; the same seed gives the same sequence everywhere. */
export function createDice(seed: number): Pick {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}
