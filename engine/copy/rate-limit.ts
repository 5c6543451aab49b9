/**
 * A speed that is kept over slices of time. Within a slice everything may go at once; who exceeds
 * its quota has to wait until as many slices have passed as the excess is worth.
 */
import type { Clock } from '../host/host.ts'

/** Length of a slice. */
export const SLICE_NS = 100_000_000
const NS_PER_SECOND = 1e9

export class RateLimit {
  readonly #clock: Clock
  #bytesPerSecond = 0
  #startNs = 0
  #endNs = 0
  #dispatched = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param bytesPerSecond - 0 for no limit. */
  setSpeed(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
  }

  /**
   * Counts bytes that are about to go.
   *
   * @returns Nanoseconds that the next ones must wait; 0 bytes ask without counting.
   */
  delayNs(bytes: number): number {
    if (this.#bytesPerSecond === 0) return 0
    const nowNs = this.#clock.nowNs()
    if (this.#endNs < nowNs) {
      this.#startNs = nowNs
      this.#endNs = nowNs + SLICE_NS
      this.#dispatched = 0
    }
    this.#dispatched += bytes
    const quota = Math.max(1, Math.floor((this.#bytesPerSecond * SLICE_NS) / NS_PER_SECOND))
    if (this.#dispatched < quota) return 0
    this.#endNs = this.#startNs + Math.floor((this.#dispatched / quota) * SLICE_NS)
    return Math.max(0, this.#endNs - nowNs)
  }
}
