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
  return print(value, options.pretty === true ? 0 : undefined)
}

/** A value that was printed before, or the beginning of one; it goes into the compact form as it is. */
export class PrintedJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** `depth` is undefined for the compact form. */
function print(value: unknown, depth: number | undefined): string {
  switch (typeof value) {
    case 'string':
      return printString(value)
    case 'number':
      return printNumber(value)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'object':
      if (value === null) return 'null'
      if (value instanceof PrintedJson) return value.text
      return Array.isArray(value) ? printList(value, depth) : printMembers(value, depth)
    default:
      throw new TypeError(`a ${typeof value} has no JSON form`)
  }
}

function printList(values: readonly unknown[], depth: number | undefined): string {
  const inner = depth === undefined ? undefined : depth + 1
  let text = '['
  let before = lineBreak(inner)
  for (const value of values) {
    text += before
    text += print(value, inner)
    before = separator(inner)
  }
  return `${text}${lineBreak(depth)}]`
}

function printMembers(value: object, depth: number | undefined): string {
  const inner = depth === undefined ? undefined : depth + 1
  const entries: readonly (readonly [string, unknown])[] =
    value instanceof Map ? [...(value as ReadonlyMap<string, unknown>)] : Object.entries(value)
  let text = '{'
  let before = lineBreak(inner)
  for (const [name, member] of inKeyOrder(entries)) {
    if (member === undefined) continue
    text += before
    text += labelText(name)
    text += print(member, inner)
    before = separator(inner)
  }
  return `${text}${lineBreak(depth)}}`
}

/** The same few names come again and again; names may come from outside, so not all are kept. */
const labels = new Map<string, string>()
const MAX_LABELS = 1024

/** A member's name as it stands before its value. */
export function labelText(name: string): string {
  let text = labels.get(name)
  if (text !== undefined) return text
  text = `${printString(name)}: `
  if (labels.size < MAX_LABELS) labels.set(name, text)
  return text
}

function separator(depth: number | undefined): string {
  return depth === undefined ? ', ' : `,${lineBreak(depth)}`
}

function lineBreak(depth: number | undefined): string {
  return depth === undefined ? '' : `\n${'    '.repeat(depth)}`
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
