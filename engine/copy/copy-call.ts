/** One request to copy: how it wants it done, what became of it, and giving it up. */
import type { Clock, Timer } from '../host/host.ts'
import type { CopyRequest, CopyRequestAbout } from '../block/driver.ts'
import type { Failure } from './transfer.ts'

/** What runs at the same time where nobody says otherwise. */
const MAX_WORKERS = 64

export class CopyCall implements CopyRequest {
  readonly workers: number
  /** Longest stretch in bytes, 0 for no limit. */
  readonly maxChunk: number
  readonly keepsSpeed: boolean
  #cancelled = false
  #failure: Failure | undefined
  #sleep: { readonly timer: Timer; readonly wake: () => void } | undefined

  constructor({ workers = MAX_WORKERS, maxChunk = 0, keepsSpeed = false }: CopyRequestAbout = {}) {
    this.workers = workers
    this.maxChunk = maxChunk
    this.keepsSpeed = keepsSpeed
  }

  get cancelled(): boolean {
    return this.#cancelled
  }

  /** The first thing that failed. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  fail(failure: Failure): void {
    this.#failure ??= failure
  }

  cancel(): void {
    this.#cancelled = true
    this.hurry()
  }

  hurry(): void {
    this.#sleep?.timer.cancel()
    this.#sleep?.wake()
  }

  /** Waits for the speed's sake, until somebody is in a hurry; what is given up does not wait at all. */
  sleep(clock: Clock, delayNs: number): Promise<void> {
    if (this.#cancelled) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleep = undefined
        resolve()
      }
      this.#sleep = { timer: clock.after(delayNs, wake), wake }
    })
  }
}
