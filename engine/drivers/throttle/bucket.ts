/**
 * A leaky bucket: requests pour in, the allowed rate leaks out, and a request may pass while the
 * bucket is not over its size. Sizes and waits are those measured on QEMU 7.2.
 */
import type { Rate } from './limits.ts'

const NS_PER_SECOND = 1e9
/** Without a burst rate, this part of a second's worth fits; with a long burst, of its peak's. */
const SLACK = 1 / 10

export class LeakyBucket {
  readonly #rate: Rate
  #level = 0
  /** A second bucket keeps a burst of several seconds from being spent at once. */
  #burstLevel = 0

  constructor(rate: Rate) {
    this.#rate = rate
  }

  leak(elapsedNs: number): void {
    const { average, maximum } = this.#rate
    this.#level = Math.max(0, this.#level - (average * elapsedNs) / NS_PER_SECOND)
    this.#burstLevel = Math.max(0, this.#burstLevel - (maximum * elapsedNs) / NS_PER_SECOND)
  }

  pour(units: number): void {
    this.#level += units
    if (this.#rate.burstSeconds > 1) this.#burstLevel += units
  }

  /** How long the next request has to wait, whatever its size; 0 if it may pass. */
  waitNs(): number {
    const { average, maximum, burstSeconds } = this.#rate
    if (average === 0) return 0
    const size = maximum === 0 ? average * SLACK : maximum * burstSeconds
    const over = this.#level - size
    if (over > 0) return Math.floor((over * NS_PER_SECOND) / average)
    const burstOver = burstSeconds > 1 ? this.#burstLevel - maximum * SLACK : 0
    return burstOver > 0 ? Math.floor((burstOver * NS_PER_SECOND) / maximum) : 0
  }
}
