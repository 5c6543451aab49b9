/**
 * The state machine: events make rules act, and what failures they armed stays armed until an
 * event arms others.
 */
import { type Errno, errnoFromNumber } from '../../util/errors.ts'
import { type EventName, EVENTS, type RequestKind, REQUESTS } from './events.ts'
import type { InjectOptions, StateOptions } from './options.ts'

/** What a rule does when its event comes in its state. */
type Action =
  | { readonly kind: 'inject'; readonly failure: Failure }
  | { readonly kind: 'set-state'; readonly state: number }
  | { readonly kind: 'suspend'; readonly tag: string }

export interface Rule {
  readonly event: EventName
  /** 0 for any. */
  readonly state: number
  readonly action: Action
}

/** How requests fail while the rule is armed. */
export interface Failure {
  readonly requests: ReadonlySet<RequestKind>
  /** Undefined: they are told to have succeeded, though nothing was done. */
  readonly errno: Errno | undefined
  /** Not even an armed failure after it has its turn. */
  readonly harmless: boolean
  /** Only requests that reach this byte; undefined for all. */
  readonly offset: bigint | undefined
  readonly once: boolean
  readonly immediately: boolean
}

/** Without `iotype` a rule is about all requests but queries of the status. */
const BY_DEFAULT: ReadonlySet<RequestKind> = new Set(
  REQUESTS.filter((kind) => kind !== 'block-status'),
)
const INT_MIN = -(2 ** 31)
const EIO = 5

export function injectRule(options: InjectOptions): Rule {
  const errno = (options.errno ?? EIO) | 0
  return {
    event: options.event,
    state: (options.state ?? 0) | 0,
    action: {
      kind: 'inject',
      failure: {
        requests: options.iotype === undefined ? BY_DEFAULT : new Set([options.iotype]),
        // The number is negated once more on its way, so that a negative one is no failure.
        errno: errno > 0 || errno === INT_MIN ? errnoFromNumber(errno) : undefined,
        harmless: errno === 0,
        offset: offsetOf(options.sector ?? -1),
        once: options.once ?? false,
        immediately: options.immediately ?? false,
      },
    },
  }
}

/** Sectors are multiplied in 64 bits, whatever is lost. */
function offsetOf(sector: number): bigint | undefined {
  return sector === -1 ? undefined : BigInt.asUintN(64, BigInt(sector) * 512n)
}

export function stateRule(options: StateOptions): Rule {
  return {
    event: options.event,
    state: (options.state ?? 0) | 0,
    action: { kind: 'set-state', state: options.new_state | 0 },
  }
}

export class RuleMachine {
  #state = 1
  /** By event, the rule that came last first. */
  readonly #rules: ReadonlyMap<string, Rule[]> = new Map(EVENTS.map((event) => [event, []]))
  /** The rules that the last arming event armed, in the order in which they are asked. */
  #armed: Rule[] = []

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) this.add(rule)
    this.happened('none')
  }

  get state(): number {
    return this.#state
  }

  add(rule: Rule): void {
    this.#rules.get(rule.event)?.unshift(rule)
  }

  /** Adds a rule that need not wait for its event; it is asked after all others. */
  arm(rule: Rule): void {
    this.add(rule)
    this.#armed = [...this.#armed, rule]
  }

  /** Drops every rule; the state stays. */
  clear(): void {
    for (const rules of this.#rules.values()) rules.length = 0
    this.#armed = []
  }

  /** Drops the rules that stop requests under the tag; false if there are none. */
  removeStops(tag: string): boolean {
    let found = false
    for (const rules of this.#rules.values()) {
      for (const rule of [...rules]) {
        if (rule.action.kind !== 'suspend' || rule.action.tag !== tag) continue
        remove(rules, rule)
        found = true
      }
    }
    return found
  }

  /** Lets the rules of the event act. @returns the tags under which the request has to stop. */
  happened(event: string): readonly string[] {
    const rules = this.#rules.get(event)
    if (rules === undefined || rules.length === 0) return []
    const armed: Rule[] = []
    const stops: string[] = []
    let next = this.#state
    for (const rule of [...rules]) {
      if (rule.state !== 0 && rule.state !== this.#state) continue
      const { action } = rule
      if (action.kind === 'inject') armed.unshift(rule)
      if (action.kind === 'set-state') next = action.state
      if (action.kind === 'suspend') {
        // A breakpoint holds one request, then it is gone.
        remove(rules, rule)
        stops.push(action.tag)
      }
    }
    if (armed.length > 0) this.#armed = armed
    this.#state = next
    return stops
  }

  /** The failure for a request that comes now; one for a single request is used up by it. */
  failureFor(kind: RequestKind, offset: number, bytes: number): Failure | undefined {
    if (this.#armed.length === 0) return undefined
    for (const rule of this.#armed) {
      if (rule.action.kind !== 'inject') continue
      const { failure } = rule.action
      if (!failure.requests.has(kind) || !reaches(failure, offset, bytes)) continue
      if (failure.harmless) return undefined
      if (failure.once) {
        remove(this.#armed, rule)
        const rules = this.#rules.get(rule.event)
        if (rules !== undefined) remove(rules, rule)
      }
      return failure
    }
    return undefined
  }
}

function reaches(failure: Failure, offset: number, bytes: number): boolean {
  if (failure.offset === undefined) return true
  return failure.offset >= offset && failure.offset < offset + bytes
}

function remove(rules: Rule[], rule: Rule): void {
  const index = rules.indexOf(rule)
  if (index >= 0) rules.splice(index, 1)
}
