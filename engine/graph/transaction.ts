/** Undoable graph changes: prepare as you go, then settle all of them one way. */

/** How to settle one prepared change. Handlers must not throw: a throw here is a bug. */
export interface Action {
  commit?(): void
  abort?(): void
  /** Runs after every commit or abort, in the same order. */
  clean?(): void
}

export class Transaction {
  readonly #actions: Action[] = []

  add(action: Action): void {
    this.#actions.push(action)
  }

  /** Runs `prepare`; commits if it returns, aborts and rethrows if it throws. */
  static run<T>(prepare: (transaction: Transaction) => T): T {
    const transaction = new Transaction()
    let result: T
    try {
      result = prepare(transaction)
    } catch (error) {
      transaction.#settle('abort')
      throw error
    }
    transaction.#settle('commit')
    return result
  }

  /** The same where preparing takes its time. */
  static async runAsync<T>(prepare: (transaction: Transaction) => Promise<T>): Promise<T> {
    const transaction = new Transaction()
    let result: T
    try {
      result = await prepare(transaction)
    } catch (error) {
      transaction.#settle('abort')
      throw error
    }
    transaction.#settle('commit')
    return result
  }

  /** Last prepared, first settled: a later change may depend on an earlier one. */
  #settle(outcome: 'commit' | 'abort'): void {
    const newestFirst = this.#actions.toReversed()
    for (const action of newestFirst) action[outcome]?.()
    for (const action of newestFirst) action.clean?.()
  }
}
