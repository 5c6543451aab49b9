/** Exclusive use of something, first come, first served. Taking what is free does not wait. */
import type { MaybePromise } from './async.ts'
import { assert } from './assert.ts'
import { wait, type Routine } from './routine.ts'

export class Mutex {
  #held = false
  readonly #queue: (() => void)[] = []

  get held(): boolean {
    return this.#held
  }

  acquire(): MaybePromise<void> {
    if (this.#held) {
      return new Promise((resolve) => {
        this.#queue.push(resolve)
      })
    }
    this.#held = true
  }

  /** Gives it to who waits longest. */
  release(): void {
    assert(this.#held, 'a mutex that nobody holds is released')
    const next = this.#queue.shift()
    if (next === undefined) this.#held = false
    else next()
  }

  /** Runs a routine with exclusive use. */
  *during<T>(routine: () => Routine<T>): Routine<T> {
    const turn = this.acquire()
    if (turn !== undefined) yield* wait(turn)
    try {
      return yield* routine()
    } finally {
      this.release()
    }
  }
}
