/**
 * Faults become `blkdebug` nodes. The given name stays with the outermost of them, the real node is
 * its unnamed child. Errors without a count share one injector; each count has an injector of its
 * own, since an injector has one state and forgets what was armed when something else is.
 */
import type { FaultOperation, FaultRule, NodeFaults, Value } from '../dsl/plan.ts'
import { ERRNO, isErrno } from '../engine/client.ts'
import { isList, isMap } from './json.ts'

type Options = Readonly<Record<string, Value>>

/** Requests as injectors name them. */
const IO_TYPES = {
  read: 'read',
  write: 'write',
  zero: 'write-zeroes',
  discard: 'discard',
  flush: 'flush',
  status: 'block-status',
} as const satisfies Record<FaultOperation, string>

/**
 * What an injector sees of a request before the request itself comes. `above` needs a raw node over
 * the injector that tells it; the other ones the node tells itself.
 */
const EVENTS: Partial<Record<FaultOperation, { readonly event: string; readonly above: boolean }>> =
  {
    read: { event: 'read_aio', above: true },
    write: { event: 'pwritev', above: false },
    zero: { event: 'pwritev_zero', above: false },
    flush: { event: 'flush_to_os', above: true },
  }

/** What targets with injectors can do; `fault.suspend` and what comes at run time need more. */
export const FAULT_NEEDS: ReadonlySet<string> = new Set(
  Object.keys(IO_TYPES).flatMap((operation) => [
    operation,
    `${operation}.once`,
    ...(operation in EVENTS ? [`${operation}.after`] : []),
  ]),
)

/** Options that belong to the node that has the name, whatever lies below it. */
const GENERIC = new Set([
  'node-name',
  'discard',
  'cache',
  'read-only',
  'auto-read-only',
  'force-share',
  'detect-zeroes',
])

/** Puts injectors over every node of the options that has faults. */
export function lowerFaults(options: Value, faults: readonly NodeFaults[]): Value {
  // Inner ones first, so that the paths of outer ones still lead to them.
  const inwards = faults.toSorted((a, b) => b.path.length - a.path.length)
  return inwards.reduce((value, { path, rules }) => at(value, path, rules), options)
}

function at(value: Value, path: readonly (string | number)[], rules: readonly FaultRule[]): Value {
  const [head, ...rest] = path
  if (head === undefined) return isMap(value) ? inject(value, rules) : value
  if (isList(value)) {
    return value.map((item, index) => (index === head ? at(item, rest, rules) : item))
  }
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      name === head ? at(part, rest, rules) : part,
    ]),
  )
}

function inject(node: Options, rules: readonly FaultRule[]): Options {
  const generic = pick(node, (name) => GENERIC.has(name))
  const own = pick(node, (name) => !GENERIC.has(name))
  const plain = rules.filter((rule) => rule.effect.kind === 'error' && rule.after === 0)
  const counted = rules.filter((rule) => rule.effect.kind === 'error' && rule.after > 0)
  const suspended = rules.filter((rule) => rule.effect.kind === 'suspend')
  const errors = plain.map((rule) => errorRule(rule, 'none', undefined))
  // Even without a rule: what is added at run time goes there.
  let outer: Options = {
    driver: 'blkdebug',
    image: own,
    ...(errors.length === 0 ? {} : { 'inject-error': errors }),
  }
  for (const rule of counted) outer = countedInjector(rule, outer)
  const tellers = suspended.filter((rule) => EVENTS[rule.operation]?.above === true)
  if (tellers.length > 0 && outer['driver'] === 'blkdebug') outer = { driver: 'raw', file: outer }
  return { ...outer, ...generic }
}

function pick(node: Options, wanted: (name: string) => boolean): Options {
  return Object.fromEntries(Object.entries(node).filter(([name]) => wanted(name)))
}

/** State 1 + n after n requests; in the last one every request fails. */
function countedInjector(rule: FaultRule, image: Options): Options {
  const told = EVENTS[rule.operation] ?? { event: 'none', above: false }
  const states = Array.from({ length: rule.after }, (_, passed) => ({
    event: told.event,
    state: 1 + passed,
    new_state: 2 + passed,
  }))
  const injector: Options = {
    driver: 'blkdebug',
    image,
    'inject-error': [errorRule(rule, told.event, 1 + rule.after)],
    'set-state': states,
  }
  return told.above ? { driver: 'raw', file: injector } : injector
}

function errorRule(rule: FaultRule, event: string, state: number | undefined): Options {
  const errno = rule.effect.kind === 'error' ? rule.effect.errno : 'EIO'
  return {
    event,
    ...(state === undefined ? {} : { state }),
    iotype: IO_TYPES[rule.operation],
    errno: isErrno(errno) ? ERRNO[errno][0] : ERRNO.EIO[0],
    ...(rule.range === undefined ? {} : { sector: rule.range.offset / 512 }),
    ...(rule.once ? { once: true } : {}),
  }
}

/** A rule as injectors take it while they run. */
export function runtimeRule(rule: FaultRule): Options {
  return errorRule(rule, 'none', undefined)
}

/** The event at which requests of the kind can be stopped. */
export function suspendEvent(operation: FaultOperation): string | undefined {
  return EVENTS[operation]?.event
}

/** `[read 0..64k => EIO once, flush => EIO]`, as goldens show the rules of a node. */
export function showFaults(rules: readonly FaultRule[]): string {
  return `[${rules.map((rule) => rule.text).join(', ')}]`
}
