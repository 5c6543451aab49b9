/**
 * JSON values as they come off the wire, and how QEMU prints them: members by bucket of their
 * name, blanks after `,` and `:`, all but printable ASCII escaped, doubles with 17 digits.
 */
import { inKeyOrder } from './key-order.ts'

/** A parsed object. A map, because names from outside may be anything, `__proto__` too. */
export type JsonObject = ReadonlyMap<string, Json>

/** A parsed value. Whole numbers that fit 64 bits are `bigint`; what is `number` is a double. */
export type Json = null | boolean | string | bigint | number | readonly Json[] | JsonObject

export interface PrintOptions {
  /** Four blanks of indentation per level, a line per member. */
  readonly pretty?: boolean
}

/** Prints parsed values and plain data alike; an `undefined` member is left out. */
export function printJson(value: unknown, options: PrintOptions = {}): string {
  const parts: string[] = []
  print(value, options.pretty === true ? 0 : undefined, parts)
  return parts.join('')
}

/** A value that was printed before, or the beginning of one; it goes into the compact form as it is. */
export class PrintedJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** `depth` is undefined for the compact form. */
function print(value: unknown, depth: number | undefined, parts: string[]): void {
  if (value === null) parts.push('null')
  else if (value instanceof PrintedJson) parts.push(value.text)
  else if (typeof value === 'string') parts.push(printString(value))
  else if (typeof value === 'number') parts.push(printNumber(value))
  else if (typeof value === 'boolean' || typeof value === 'bigint') parts.push(String(value))
  else if (Array.isArray(value)) printItems('[', ']', listItems(value), depth, parts)
  else if (typeof value === 'object') printItems('{', '}', memberItems(value), depth, parts)
  else throw new TypeError(`a ${typeof value} has no JSON form`)
}

type Item = readonly [name: string | undefined, value: unknown]

function listItems(values: readonly unknown[]): Item[] {
  return values.map((value) => [undefined, value])
}

function memberItems(value: object): Item[] {
  const entries: readonly Item[] =
    value instanceof Map ? [...(value as ReadonlyMap<string, unknown>)] : Object.entries(value)
  return inKeyOrder(entries.some(isLeftOut) ? entries.filter((item) => !isLeftOut(item)) : entries)
}

function isLeftOut([, member]: Item): boolean {
  return member === undefined
}

function printItems(
  open: string,
  close: string,
  items: readonly Item[],
  depth: number | undefined,
  parts: string[],
): void {
  const inner = depth === undefined ? undefined : depth + 1
  parts.push(open)
  let first = true
  for (const [name, value] of items) {
    if (!first) parts.push(inner === undefined ? ', ' : ',')
    first = false
    if (inner !== undefined) parts.push(newline(inner))
    if (name !== undefined) parts.push(printString(name), ': ')
    print(value, inner, parts)
  }
  if (depth !== undefined) parts.push(newline(depth))
  parts.push(close)
}

function newline(depth: number): string {
  return `\n${'    '.repeat(depth)}`
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const SPECIAL = /["\\\u0000-\u001f\u007f-\uffff]/

const EACH_SPECIAL = new RegExp(SPECIAL, 'g')

function printString(text: string): string {
  if (!SPECIAL.test(text)) return `"${text}"`
  const escaped = text.replace(EACH_SPECIAL, (unit) => {
    const short = SHORT_ESCAPES[unit]
    return short ?? `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
  })
  return `"${escaped}"`
}

/** Significant digits of a printed double. */
const DIGITS = 17

/** As C's `%.17g`; whole numbers below 10^17 come out plain. */
function printNumber(value: number): string {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value)
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : value > 0 ? 'inf' : 'nan'
  if (value === 0) return '-0'
  const [mantissa = '', exponentText = ''] = value.toExponential(DIGITS - 1).split('e')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= DIGITS) {
    const sign = exponent < 0 ? '-' : '+'
    return `${withoutTrailingZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  return withoutTrailingZeros(value.toFixed(Math.max(0, DIGITS - 1 - exponent)))
}

function withoutTrailingZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
