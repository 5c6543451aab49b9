/**
 * When files are written to. Usually at once; but what goes on because a command lets it, on the
 * command's own stack, hands its requests over only: as with the threads of 7.2 they are carried out when
 * that command waits for something, or is over.
 */
import type { Clock } from '../host/host.ts'
import type { MaybePromise } from '../util/async.ts'

export class FileQueue {
  readonly #clock: Pick<Clock, 'after'>
  #commandsTurn = false

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock
  }

  /** Lets others go on while it is a command's turn. */
  letGoOn(others: () => void): void {
    this.#commandsTurn = true
    try {
      others()
    } finally {
      this.#commandsTurn = false
    }
  }

  /** Does what changes a file: now, or when it is its turn. */
  carryOut(work: () => MaybePromise<void>): MaybePromise<void> {
    return this.#commandsTurn ? this.#later(work) : work()
  }

  async #later(work: () => MaybePromise<void>): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.after(0, resolve))
    await work()
  }
}
