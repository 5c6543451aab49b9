/** Work that must not overlap: one piece after the other, in the order in which it came. */

export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    // A failure is its own caller's business, not that of the next one.
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Runs at once, beside whatever has its turn; all that come later wait for it too. */
  beside<T>(work: () => Promise<T>): Promise<T> {
    const running = work()
    this.#last = Promise.allSettled([this.#last, running])
    return running
  }
}
