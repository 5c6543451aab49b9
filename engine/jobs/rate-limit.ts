/**
 * How fast a job may go. Time comes in slices; what a slice allows goes at once, and who took more
 * waits as many slices as that was worth.
 */
import type { Clock } from '../host/host.ts'

export const SLICE_NS = 100_000_000

export class RateLimit {
  readonly #clock: Clock
  /** Bytes of a slice; 0 for no limit. */
  #quota = 0
  #startNs = 0
  #endNs = 0
  #taken = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param bytesPerSecond - 0 for no limit. */
  setSpeed(bytesPerSecond: number): void {
    this.#quota =
      bytesPerSecond === 0 ? 0 : Math.max(Math.floor((bytesPerSecond * SLICE_NS) / 1e9), 1)
  }

  /** Notes that so much was done. @returns how long to wait before there may be more. */
  delayNs(bytes: number): number {
    if (this.#quota === 0) return 0
    const now = this.#clock.nowNs()
    if (this.#endNs < now) {
      this.#startNs = now
      this.#endNs = now + SLICE_NS
      this.#taken = 0
    }
    this.#taken += bytes
    if (this.#taken < this.#quota) return 0
    this.#endNs = this.#startNs + Math.floor((this.#taken / this.#quota) * SLICE_NS)
    return this.#endNs - now
  }
}
