/**
 * A node's requests in flight and its drained sections. The request path counts the first, the
 * graph the second; here they meet.
 */
import { assert } from '../util/assert.ts'

export class Activity {
  #inFlight = 0
  #sections = 0
  #idleWaiters: (() => void)[] = []

  get inFlight(): number {
    return this.#inFlight
  }

  /** Whether the node is inside a drained section, its own or one of a node below. */
  get quiesced(): boolean {
    return this.#sections > 0
  }

  begin(): void {
    this.#inFlight++
  }

  end(): void {
    assert(this.#inFlight > 0, 'a request ended that never began')
    this.#inFlight--
    if (this.#inFlight > 0) return
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const wake of waiters) wake()
  }

  /** Resolves when no request is in flight; others may start before the caller runs again. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  /** Returns whether this section is the first. */
  enterSection(): boolean {
    return this.#sections++ === 0
  }

  /** Returns whether this section was the last. */
  leaveSection(): boolean {
    assert(this.#sections > 0, 'a drained section ended that never began')
    return --this.#sections === 0
  }
}
