/**
 * Who may change the graph. Changes take turns, and while somebody holds a drained section, only
 * the holder's own go on: who drained a node may rely on what it saw until the section ends.
 */
import type { DrainedSection } from './graph.ts'

export class GraphLock {
  /** Each section that is held, and the first one of its holder. */
  readonly #sections = new Map<DrainedSection, DrainedSection>()
  #waiters: (() => void)[] = []
  #changing = false

  /**
   * The section keeps others from changing the graph until it ends.
   *
   * @param along - The first section of the same holder, if this is a further one.
   */
  hold(section: DrainedSection, along?: DrainedSection): DrainedSection {
    const held: DrainedSection = {
      end: () => {
        section.end()
        if (this.#sections.delete(held)) this.#wake()
      },
      [Symbol.asyncDispose]() {
        held.end()
        return Promise.resolve()
      },
    }
    this.#sections.set(held, along ?? held)
    return held
  }

  /** Runs a change when nobody stands in its way. @param within - The first section of who changes. */
  async change<T>(work: () => Promise<T>, within?: DrainedSection): Promise<T> {
    while (this.#changing || this.#heldByOther(within)) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
    this.#changing = true
    try {
      return await work()
    } finally {
      this.#changing = false
      this.#wake()
    }
  }

  #heldByOther(within: DrainedSection | undefined): boolean {
    return [...this.#sections.values()].some((first) => first !== within)
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
