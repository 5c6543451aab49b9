/**
 * Golden notation for values: `k=v list=[x y] map={a=1}`. It says the same as JSON, and `parse`
 * gives the value back; strings are quoted only where they could be taken for something else.
 */
import { assert } from '../engine/client.ts'
import type { Value } from '../dsl/plan.ts'

const BARE = Symbol('bare')

/** A word that stands for something else than itself: `img:a`, `#1`, `$from`, `<host>`. */
export interface Bare {
  readonly [BARE]: true
  readonly text: string
}

export function bare(text: string): Bare {
  return { [BARE]: true, text }
}

export function isBare(value: Shown | undefined): value is Bare {
  return typeof value === 'object' && value !== null && BARE in value
}

/** A value after normalisation. */
export type Shown =
  | null
  | boolean
  | number
  | bigint
  | string
  | Bare
  | readonly Shown[]
  | { readonly [name: string]: Shown }

const PLAIN_STRING = /^[A-Za-z_*/][A-Za-z0-9_#.:/+@%*,-]*$/
/** What a bare word looks like that is not the string itself. */
const SYMBOL = /^(?:(?:img|new|sock|repo):.*|#\d+|\$.*|<[a-z-]+>|\?)$/s
const PLAIN_KEY = /^[A-Za-z_*][A-Za-z0-9_.-]*$/
/** Longest string literal that stays in one piece, quotes included. */
const CHUNK = 64

/** Names of members whose numbers are no bytes: sectors, times, rates and counts of requests. */
const NO_BYTES = /^sectors?[-_]|[-_](ns|length|operations|merged)$|^iops([-_](?!size)|$)/

const UNITS = [
  [1024 ** 4, 'T'],
  [1024 ** 3, 'G'],
  [1024 ** 2, 'M'],
  [1024, 'k'],
] as const

export function isShownList(value: Shown | undefined): value is readonly Shown[] {
  return Array.isArray(value)
}

export function isShownMap(value: Shown | undefined): value is Readonly<Record<string, Shown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isBare(value)
}

/** Exact multiples of a binary unit as `64k`, others in decimal. */
export function showNumber(value: number | bigint): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return String(value)
  const exact = BigInt(value)
  if (exact === 0n) return '0'
  for (const [factor, unit] of UNITS) {
    if (exact % BigInt(factor) === 0n) return `${(exact / BigInt(factor)).toString()}${unit}`
  }
  return exact.toString()
}

/** Whether a number is shown with a unit: what the normaliser `size` counts. */
export function hasUnit(value: number | bigint): boolean {
  return /[kMGT]$/.test(showNumber(value))
}

export function showString(value: string): string {
  if (PLAIN_STRING.test(value) && !SYMBOL.test(value) && !/^(true|false|null)$/.test(value)) {
    if (value.length <= CHUNK) return value
  }
  const quoted = JSON.stringify(value)
  if (quoted.length <= CHUNK) return quoted
  return cutString(value)
    .map((piece) => JSON.stringify(piece))
    .join('~')
}

/** Pieces whose quoted form fits in a line. */
function cutString(value: string): string[] {
  const pieces: string[] = []
  let piece = ''
  let length = 2
  for (const point of value) {
    const width = JSON.stringify(point).length - 2
    if (length + width > CHUNK) {
      pieces.push(piece)
      piece = ''
      length = 2
    }
    piece += point
    length += width
  }
  return [...pieces, piece]
}

/** `name=`, the name quoted where it has to be. */
export function memberKey(name: string): string {
  return `${PLAIN_KEY.test(name) ? name : JSON.stringify(name)}=`
}

/** `name=value`. A binary unit is for bytes: counts, sectors and times stay decimal. */
export function showMember(name: string, value: Shown): string {
  const plain = (typeof value === 'number' || typeof value === 'bigint') && !countsBytes(name)
  return memberKey(name) + (plain ? String(value) : show(value))
}

/** Whether a member of this name may be a number of bytes. */
export function countsBytes(name: string): boolean {
  return !NO_BYTES.test(name)
}

/** The value on one line. */
export function show(value: Shown): string {
  if (isBare(value)) return value.text
  if (typeof value === 'number' || typeof value === 'bigint') return showNumber(value)
  if (typeof value === 'string') return showString(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (isShownList(value)) return `[${value.map(show).join(' ')}]`
  return `{${showMembers(value)}}`
}

/** The members of a map, as `k=v k=v`; the two members of an action as `type k=v`. */
export function showMembers(value: Readonly<Record<string, Shown>>): string {
  const action = asAction(value)
  if (action !== undefined) {
    const rest = showMembers(action.data)
    return rest === '' ? action.type : `${action.type} ${rest}`
  }
  return plainMembers(value)
}

function plainMembers(value: Readonly<Record<string, Shown>>): string {
  return Object.entries(value)
    .map(([name, entry]) => showMember(name, entry))
    .join(' ')
}

/** `{type: T, data: {…}}` of a transaction, in that order. */
function asAction(
  value: Readonly<Record<string, Shown>>,
): { readonly type: string; readonly data: Readonly<Record<string, Shown>> } | undefined {
  const keys = Object.keys(value)
  const type = value['type']
  const data = value['data']
  if (keys.length !== 2 || keys[0] !== 'type' || typeof type !== 'string') return undefined
  if (!isShownMap(data) || showString(type) !== type) return undefined
  return asAction(data) === undefined ? { type, data } : undefined
}

/** Whether a map is shown in the short form of a transaction's action. */
export function isAction(value: Readonly<Record<string, Shown>>): boolean {
  return asAction(value) !== undefined
}

/** A value that needs no normalising, as it is. */
export function shown(value: Value): Shown {
  return value
}

/** Reads what `show` wrote. @throws {SyntaxError} */
export function parseNotation(text: string): Shown {
  const reader = new Reader(text)
  const value = reader.value()
  reader.end()
  return value
}

/** Reads what `showMembers` wrote. @throws {SyntaxError} */
export function parseMembers(text: string): Readonly<Record<string, Shown>> {
  const value = parseNotation(`{${text}}`)
  assert(isShownMap(value), 'braces hold a map')
  return value
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  end(): void {
    if (this.#at < this.#text.length) this.#fail()
  }

  value(): Shown {
    const char = this.#text.charAt(this.#at)
    if (char === '{') return this.#map()
    if (char === '[') return this.#list()
    if (char === '"') return this.#string()
    return this.#word(this.#take(/[^\s\]}]+/y))
  }

  #fail(): never {
    throw new SyntaxError(`golden notation, at ${String(this.#at)} of ${this.#text}`)
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return this.#fail()
    this.#at = pattern.lastIndex
    return match[0]
  }

  #skip(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #string(): string {
    let whole = ''
    do whole += JSON.parse(this.#take(/"(?:[^"\\]|\\.)*"/y)) as string
    while (this.#skip('~'))
    return whole
  }

  #list(): Shown {
    const items: Shown[] = []
    this.#at += 1
    while (!this.#skip(']')) {
      items.push(this.value())
      this.#skip(' ')
      if (this.#at >= this.#text.length) return this.#fail()
    }
    return items
  }

  #map(): Shown {
    const entries: [string, Shown][] = []
    let type: string | undefined
    this.#at += 1
    while (!this.#skip('}')) {
      const key = this.#text.charAt(this.#at) === '"' ? this.#string() : this.#take(/[^\s=\]}]+/y)
      if (this.#skip('=')) entries.push([key, this.value()])
      else if (type === undefined && entries.length === 0) type = key
      else return this.#fail()
      this.#skip(' ')
      if (this.#at >= this.#text.length) return this.#fail()
    }
    const map = Object.fromEntries(entries)
    return type === undefined ? map : { type, data: map }
  }

  #word(word: string): Shown {
    if (word === 'null') return null
    if (word === 'true' || word === 'false') return word === 'true'
    if (SYMBOL.test(word)) return bare(word)
    const number = /^(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)([kMGT]?)$/.exec(word)
    if (number === null) return word
    const factor = UNITS.find(([, unit]) => unit === number[2])?.[0]
    if (factor === undefined && /[.e]/.test(word)) return Number(word)
    const exact = BigInt(number[1] ?? '0') * BigInt(factor ?? 1)
    const near = Number(exact)
    return Number.isSafeInteger(near) ? near : exact
  }
}
