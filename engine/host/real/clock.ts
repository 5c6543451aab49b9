/** The machine's clocks. */
import type { Clock, Timer } from '../host.ts'

/** The longest delay that the platform's timers take; longer ones are renewed. */
const MAX_DELAY_MS = 2 ** 31 - 1

export function createRealClock(): Clock {
  const startNs = process.hrtime.bigint()
  const nowNs = (): number => Number(process.hrtime.bigint() - startNs)
  return {
    nowNs,
    timeOfDay: () => {
      const microseconds = Math.floor((performance.timeOrigin + performance.now()) * 1000)
      return { seconds: Math.floor(microseconds / 1e6), microseconds: microseconds % 1e6 }
    },
    after: (delayNs, fire) => (delayNs <= 0 ? soon(fire) : later(nowNs, delayNs, fire)),
  }
}

function soon(fire: () => void): Timer {
  const immediate = setImmediate(fire)
  return {
    cancel: () => {
      clearImmediate(immediate)
    },
  }
}

function later(nowNs: () => number, delayNs: number, fire: () => void): Timer {
  const dueNs = nowNs() + delayNs
  let timeout: NodeJS.Timeout | undefined
  const arm = (): void => {
    const waitMs = Math.min(Math.ceil((dueNs - nowNs()) / 1e6), MAX_DELAY_MS)
    timeout = setTimeout(() => {
      // The platform's timers may fire a little early, ours never do.
      if (nowNs() < dueNs) arm()
      else fire()
    }, waitMs)
  }
  arm()
  return {
    cancel: () => {
      clearTimeout(timeout)
    },
  }
}
