/** Pieces of work that run at the same time, so many at most. */
import type { MaybePromise } from '../util/async.ts'
import { isPromise } from '../util/async.ts'

export class Pool {
  readonly #workers: number
  #running = 0
  /** Wakes the one who fills the pool. */
  #wake: (() => void) | undefined
  /** What was thrown first: a bug, since work reports its failures itself. */
  #bug: { readonly error: unknown } | undefined

  /** @param workers - At least 1. */
  constructor(workers: number) {
    this.#workers = workers
  }

  /** Resolves when one more may start. */
  free(): MaybePromise<void> {
    return this.#below(this.#workers)
  }

  /** Starts work at once. */
  start(work: () => MaybePromise<void>): void {
    const begun = work()
    if (!isPromise(begun)) return
    this.#running += 1
    begun
      .catch((error: unknown) => {
        this.#bug ??= { error }
      })
      .finally(() => {
        this.#running -= 1
        this.#wake?.()
      })
  }

  /** Resolves when nothing runs any more. */
  idle(): MaybePromise<void> {
    return this.#below(1)
  }

  #below(count: number): MaybePromise<void> {
    if (this.#running >= count || this.#bug !== undefined) return this.#wait(count)
  }

  async #wait(count: number): Promise<void> {
    while (this.#running >= count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#bug !== undefined) throw this.#bug.error
  }
}
