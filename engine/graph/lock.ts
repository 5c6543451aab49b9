/**
 * Who may change the graph. Changes take turns, and while somebody holds a drained section, only
 * the holder's own go on: who drained a node may rely on what it saw until the section ends. Whoever
 * walks the graph sees one graph: what would change it meanwhile is a bug.
 */
import { assert } from '../util/assert.ts'
import type { DrainedSection } from './graph.ts'

export class GraphLock {
  /** Each section that is held, and the first one of its holder. */
  readonly #sections = new Map<DrainedSection, DrainedSection>()
  #waiters: (() => void)[] = []
  #changing = false
  /** Walks that have not come to their end. */
  #walks = 0
  /** Somebody waits for a section's nodes to become quiet. */
  #beginning = false

  /**
   * Begins a section once nobody else holds one: two holders would wait for each other when both
   * change the graph. From then on it keeps others from changing the graph until it ends.
   *
   * @param along - The first section of the same holder, if this is a further one.
   */
  async section(
    begin: () => Promise<DrainedSection>,
    along?: DrainedSection,
  ): Promise<DrainedSection> {
    if (along !== undefined) return this.#hold(await begin(), along)
    while (this.#beginning || this.#sections.size > 0) await this.#freed()
    this.#beginning = true
    try {
      return this.#hold(await begin())
    } finally {
      this.#beginning = false
      this.#wake()
    }
  }

  /** Runs a change when nobody stands in its way. @param within - The first section of who changes. */
  async change<T>(work: () => Promise<T>, within?: DrainedSection): Promise<T> {
    while (this.#changing || this.#heldByOther(within)) {
      await this.#freed()
    }
    this.#changing = true
    try {
      return await work()
    } finally {
      this.#changing = false
      this.#wake()
    }
  }

  /** Goes along edges, at once: edges that change before it returns stop the program. */
  walk<T>(visit: () => T): T {
    this.#walks++
    try {
      return visit()
    } finally {
      this.#walks--
    }
  }

  /** Called where edges change: nobody is on the way along them. */
  assertUnwatched(): void {
    assert(this.#walks === 0, 'the graph changes while somebody walks it')
  }

  /** Called where nodes get other children: it is somebody's turn to change the graph. */
  assertTurn(): void {
    assert(this.#changing, 'the graph changes out of turn')
  }

  #hold(section: DrainedSection, along?: DrainedSection): DrainedSection {
    const held: DrainedSection = {
      end: () => {
        section.end()
        if (this.#sections.delete(held)) this.#wake()
      },
      childChanged: (parent, name) => section.childChanged(parent, name),
      [Symbol.asyncDispose]() {
        held.end()
        return Promise.resolve()
      },
    }
    this.#sections.set(held, along ?? held)
    return held
  }

  #heldByOther(within: DrainedSection | undefined): boolean {
    return [...this.#sections.values()].some((first) => first !== within)
  }

  #freed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
