/** Waiting on the host's clock. */
import type { Clock } from '../host/host.ts'
import type { MaybePromise } from '../util/async.ts'

/** Resolves `delayNs` later; at once, without a promise, if that is 0. */
export function sleep(clock: Clock, delayNs: number): MaybePromise<void> {
  if (delayNs === 0) return
  return new Promise((resolve) => {
    clock.after(delayNs, resolve)
  })
}
