/** Bytes that may be in use at the same time. Who asks for more waits, first come, first served. */
import { assert } from '../util/assert.ts'
import type { MaybePromise } from '../util/async.ts'

interface Waiter {
  readonly bytes: number
  readonly grant: () => void
}

export class Budget {
  readonly total: number
  #used = 0
  readonly #queue: Waiter[] = []

  constructor(total: number) {
    this.total = total
  }

  /** Resolves when the bytes are there. One that asks for more than all takes all. */
  take(bytes: number): MaybePromise<void> {
    const wanted = Math.min(bytes, this.total)
    if (this.#queue.length === 0 && this.#used + wanted <= this.total) {
      this.#used += wanted
      return
    }
    return new Promise((grant) => {
      this.#queue.push({ bytes: wanted, grant })
    })
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#used -= Math.min(bytes, this.total)
    assert(this.#used >= 0, 'more is given back than was taken')
    for (;;) {
      const [next] = this.#queue
      if (next === undefined || this.#used + next.bytes > this.total) return
      this.#queue.shift()
      this.#used += next.bytes
      next.grant()
    }
  }
}
