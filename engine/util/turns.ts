/** Work that must not overlap: one piece after the other, in the order in which it came. */

export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    // A failure is its own caller's business, not that of the next one.
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
