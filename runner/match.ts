/**
 * Whether a value is what a claim says. Each failure names the leaf of the claim that is to blame,
 * so that the caret stands under what the author would change.
 */
import type { Match } from '../dsl/plan-claims.ts'
import type { Scalar, Span, Value, Variable } from '../dsl/plan.ts'
import { isList, isMap, isNumber, member, sameValue } from './json.ts'
import { show, shown } from './notation.ts'

/** One thing that is not as claimed. */
export interface Mismatch {
  readonly span: Span
  readonly message: string
}

/** Gives the value of a variable that is only known at run time. */
export type Resolve = (variable: Variable) => Value | undefined

/** Every mismatch, outermost first; empty when the claim holds. `undefined` is an absent value. */
export function mismatches(match: Match, value: Value | undefined, resolve: Resolve): Mismatch[] {
  switch (match.kind) {
    case 'any':
      return []
    case 'present':
      return value === undefined ? blame(match.span, 'something', value) : []
    case 'absent':
      return value === undefined ? [] : blame(match.span, 'nothing', value)
    case 'not':
      return mismatches(match.match, value, resolve).length > 0
        ? []
        : [{ span: match.span, message: `expected anything else, got ${brief(value)}` }]
    case 'all':
      return match.matches.flatMap((part) => mismatches(part, value, resolve))
    case 'one':
      return match.matches.some((part) => mismatches(part, value, resolve).length === 0)
        ? []
        : [{ span: match.span, message: `none of the alternatives holds, got ${brief(value)}` }]
    case 'object':
      return objectMismatches(match, value, resolve)
    case 'seq':
      return seqMismatches(match, value, resolve)
    case 'set':
    case 'has':
      return bagMismatches(match, value, resolve)
    case 'count':
      if (!isList(value)) return blame(match.span, 'a list', value)
      return mismatches(match.match, value.length, resolve)
    default:
      return leafMismatch(match, value, resolve)
  }
}

type Leaf = Extract<
  Match,
  { readonly kind: 'equal' | 'variable' | 'regex' | 'between' | 'compare' | 'about' | 'type' }
>

function leafMismatch(match: Leaf, value: Value | undefined, resolve: Resolve): Mismatch[] {
  switch (match.kind) {
    case 'equal':
      return holds(
        match,
        value !== undefined && sameValue(match.value, value),
        briefScalar(match.value),
        value,
      )
    case 'variable': {
      const wanted = resolve(match.variable)
      if (wanted === undefined) {
        return [{ span: match.span, message: `$${match.variable.path} has no value` }]
      }
      return holds(match, value !== undefined && sameValue(wanted, value), brief(wanted), value)
    }
    case 'regex':
      return holds(
        match,
        typeof value === 'string' && match.regex.test(value),
        String(match.regex),
        value,
      )
    case 'between': {
      const inside = isNumber(value) && value >= match.low && value <= match.high
      return holds(match, inside, `${String(match.low)}..${String(match.high)}`, value)
    }
    case 'compare': {
      const right = isNumber(value) && COMPARE[match.operator](value, match.to)
      return holds(match, right, `${match.operator} ${String(match.to)}`, value)
    }
    case 'about': {
      const off = (match.value * match.percent) / 100
      const near = isNumber(value) && Math.abs(Number(value) - match.value) <= off
      return holds(match, near, `about ${String(match.value)} ${String(match.percent)}%`, value)
    }
    case 'type':
      return holds(match, typeOf(value) === match.type, `type ${match.type}`, value)
  }
}

/** Loose equality compares a bigint and a number by value. */
export const COMPARE = {
  '<': (a: number | bigint, b: number) => a < b,
  '<=': (a: number | bigint, b: number) => a <= b,
  '>': (a: number | bigint, b: number) => a > b,
  '>=': (a: number | bigint, b: number) => a >= b,
  '==': (a: number | bigint, b: number) => a == b,
  '!=': (a: number | bigint, b: number) => a != b,
} as const

function typeOf(value: Value | undefined): string {
  if (isList(value)) return 'array'
  if (isMap(value)) return 'object'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'int'
  return value === null ? 'null' : value === undefined ? 'absent' : 'number'
}

function holds(match: Match, right: boolean, wanted: string, value: Value | undefined): Mismatch[] {
  return right ? [] : blame(match.span, wanted, value)
}

function blame(span: Span, wanted: string, value: Value | undefined): Mismatch[] {
  return [{ span, message: `expected ${wanted}, got ${brief(value)}` }]
}

function objectMismatches(
  match: Extract<Match, { readonly kind: 'object' }>,
  value: Value | undefined,
  resolve: Resolve,
): Mismatch[] {
  if (!isMap(value)) return blame(match.span, 'a map', value)
  const found = match.members.flatMap(({ key, keySpan, match: inner }) => {
    const part = member(value, key)
    const wrong = mismatches(inner, part, resolve)
    if (part !== undefined || wrong.length === 0) return wrong
    const names = Object.keys(value).join(', ')
    return [
      {
        span: keySpan,
        message: `expected a member '${key}', got ${names === '' ? 'none' : `only ${names}`}`,
      },
    ]
  })
  if (!match.exact) return found
  const extra = Object.keys(value).filter(
    (key) => !match.members.some((entry) => entry.key === key),
  )
  if (extra.length === 0) return found
  return [...found, { span: match.span, message: `unexpected members: ${extra.join(', ')}` }]
}

function seqMismatches(
  match: Extract<Match, { readonly items: readonly Match[] }>,
  value: Value | undefined,
  resolve: Resolve,
): Mismatch[] {
  if (!isList(value)) return blame(match.span, 'a list', value)
  const found = match.items
    .slice(0, value.length)
    .flatMap((item, index) => mismatches(item, value[index], resolve))
  if (value.length === match.items.length) return found
  const wanted = `a list of ${String(match.items.length)}`
  return [
    ...found,
    {
      span: match.span,
      message: `expected ${wanted}, got ${String(value.length)}: ${brief(value)}`,
    },
  ]
}

/** `has` and `set`: every claim needs an element of its own, in any order. */
function bagMismatches(
  match: Extract<Match, { readonly items: readonly Match[] }>,
  value: Value | undefined,
  resolve: Resolve,
): Mismatch[] {
  if (!isList(value)) return blame(match.span, 'a list', value)
  const table = match.items.map((item) =>
    value.map((element) => mismatches(item, element, resolve)),
  )
  const owner = assign(table.map((row) => row.map((wrong) => wrong.length === 0)))
  const found = match.items.flatMap((item, index) => {
    if (owner.has(index)) return []
    return closest(item, table[index] ?? [], value)
  })
  if (match.kind === 'has' || value.length === match.items.length) return found
  if (found.length > 0) return found
  const wanted = String(match.items.length)
  return [
    {
      span: match.span,
      message: `expected ${wanted} elements, got ${String(value.length)}: ${brief(value)}`,
    },
  ]
}

/** Blames the leaf that fails in the element which fits best. */
function closest(
  item: Match,
  row: readonly (readonly Mismatch[])[],
  value: readonly Value[],
): readonly Mismatch[] {
  let best: readonly Mismatch[] | undefined
  for (const wrong of row) {
    if (wrong.length > 0 && (best === undefined || wrong.length < best.length)) best = wrong
  }
  if (best !== undefined) return best.slice(0, 1)
  return [{ span: item.span, message: `no element is like this, got ${brief(value)}` }]
}

/**
 * A largest pairing of rows with columns that fit.
 *
 * @returns The rows that have a partner, each with its column.
 */
export function assign(fits: readonly (readonly boolean[])[]): ReadonlyMap<number, number> {
  const rowOf = new Map<number, number>()
  const place = (row: number, tried: Set<number>): boolean => {
    for (const [column, fit] of (fits[row] ?? []).entries()) {
      if (!fit || tried.has(column)) continue
      tried.add(column)
      const other = rowOf.get(column)
      if (other === undefined || place(other, tried)) {
        rowOf.set(column, row)
        return true
      }
    }
    return false
  }
  for (const row of fits.keys()) place(row, new Set())
  return new Map([...rowOf].map(([column, row]) => [row, column]))
}

function briefScalar(value: Scalar): string {
  return brief(value)
}

/** A value in few words, for messages. */
export function brief(value: Value | undefined): string {
  if (value === undefined) return 'nothing'
  const whole = show(shown(value))
  return whole.length > 120 ? `${whole.slice(0, 117)}...` : whole
}
