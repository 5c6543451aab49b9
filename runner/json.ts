/**
 * JSON with exact integers. What a double cannot hold comes as `bigint`, so a size near 2^64 is the
 * same value in the request, in the claim and in the golden.
 */
import type { Value } from '../dsl/plan.ts'

/** A digit run that a double might not hold. */
const LONG_NUMBER = /\d{16}/

/** @throws {SyntaxError} */
export function parseJson(text: string): Value {
  const value: unknown = LONG_NUMBER.test(text) ? new Reader(text).whole() : JSON.parse(text)
  // JSON.parse and the reader yield nothing else than these shapes.
  return value as Value
}

export function printJson(value: Value): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(printJson).join(', ')}]`
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}: ${printJson(member)}`,
  )
  return `{${members.join(', ')}}`
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}

export function isMap(value: Value | undefined): value is Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member, if the value is a map that has it as its own. */
export function member(value: Value | undefined, name: string): Value | undefined {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

export function text(value: Value | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Text as it is, anything else as JSON. */
export function plainText(value: Value | undefined): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : printJson(value)
}

/** Equal as JSON: numbers by value whatever their representation, members in any order. */
export function sameValue(a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return a === b || (typeof a !== typeof b && a == b)
  if (isList(a)) {
    return (
      isList(b) &&
      a.length === b.length &&
      a.every((item, index) => sameValue(item, b[index] ?? null))
    )
  }
  if (isMap(a)) {
    if (!isMap(b)) return false
    const names = Object.keys(a)
    return (
      names.length === Object.keys(b).length &&
      names.every((name) => {
        const other = member(b, name)
        return other !== undefined && sameValue(a[name] ?? null, other)
      })
    )
  }
  return a === b
}

export function isNumber(value: Value | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** A plain recursive reader, used only for texts with long numbers. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): Value {
    const value = this.#value()
    this.#blank()
    if (this.#at < this.#text.length) this.#fail()
    return value
  }

  #fail(): never {
    throw new SyntaxError(`Unexpected JSON at position ${String(this.#at)}`)
  }

  #blank(): void {
    while (' \t\r\n'.includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) {
      this.#at += 1
    }
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    return match[0]
  }

  #skip(char: string): boolean {
    this.#blank()
    if (this.#text.charAt(this.#at) !== char) return false
    this.#at += 1
    return true
  }

  #value(): Value {
    if (this.#skip('{')) return this.#map()
    if (this.#skip('[')) return this.#list()
    const string = this.#take(/"(?:[^"\\]|\\.)*"/y)
    if (string !== undefined) return JSON.parse(string) as string
    const number = this.#take(/-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y)
    if (number !== undefined) return exactNumber(number)
    const word = this.#take(/true|false|null/y)
    if (word !== undefined) return JSON.parse(word) as boolean | null
    return this.#fail()
  }

  #map(): Value {
    const entries: [string, Value][] = []
    if (this.#skip('}')) return {}
    do {
      this.#blank()
      const name = this.#take(/"(?:[^"\\]|\\.)*"/y)
      if (name === undefined || !this.#skip(':')) return this.#fail()
      entries.push([JSON.parse(name) as string, this.#value()])
    } while (this.#skip(','))
    if (!this.#skip('}')) return this.#fail()
    return Object.fromEntries(entries)
  }

  #list(): Value {
    const items: Value[] = []
    if (this.#skip(']')) return items
    do items.push(this.#value())
    while (this.#skip(','))
    if (!this.#skip(']')) return this.#fail()
    return items
  }
}

function exactNumber(digits: string): number | bigint {
  const value = Number(digits)
  if (Number.isSafeInteger(value) || !/^-?\d+$/.test(digits)) return value
  return BigInt(digits)
}
