/** Requests that stopped at events, and who lets them go. */
import type { Breakpoints } from '../../block/driver.ts'
import type { MaybePromise } from '../../util/async.ts'
import { ioError } from '../../util/errors.ts'
import { EVENTS } from './events.ts'
import type { InjectOptions } from './options.ts'
import { injectRule, type RuleMachine } from './rules.ts'

interface Stopped {
  readonly tag: string
  readonly go: () => void
}

export interface EventGate extends Breakpoints {
  /** Tells the rules of an event; a promise where the request that caused it has to stop. */
  happened(event: string): MaybePromise<void>
  /** Adds a rule that is armed at once, as the option `inject-error` writes it. */
  inject(rule: InjectOptions): void
  /** Drops every rule. */
  clear(): void
}

export function createBreakpoints(machine: RuleMachine): EventGate {
  /** Newest first: the order in which they are let go. */
  let stopped: Stopped[] = []
  return {
    happened(event) {
      const tags = machine.happened(event)
      if (tags.length === 0) return
      const stops = tags.map(
        (tag) =>
          new Promise<void>((go) => {
            stopped.unshift({ tag, go })
          }),
      )
      return Promise.all(stops).then(() => undefined)
    },
    add(event, tag) {
      const known = EVENTS.find((name) => name === event)
      if (known === undefined) throw ioError('ENOENT')
      machine.add({ event: known, state: 0, action: { kind: 'suspend', tag } })
    },
    resume(tag) {
      const first = stopped.find((request) => request.tag === tag)
      if (first === undefined) return false
      stopped = stopped.filter((request) => request !== first)
      first.go()
      return true
    },
    remove(tag) {
      const removed = machine.removeStops(tag)
      const waiting = stopped.filter((request) => request.tag === tag)
      stopped = stopped.filter((request) => request.tag !== tag)
      for (const request of waiting) request.go()
      return removed
    },
    inject(rule) {
      machine.arm(injectRule(rule))
    },
    clear() {
      machine.clear()
    },
    isSuspended: (tag) => stopped.some((request) => request.tag === tag),
  }
}
