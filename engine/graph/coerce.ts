/**
 * A driver's own options in the types that it declares. Clients' options have them already; those
 * of file names may be strings, or have another JSON type that stands for the same.
 */
import { checkMembers, withDefaults } from '../block/check.ts'
import { entriesOf, type Member, type Members, type Schema } from '../block/option.ts'
import { BlockError } from '../util/errors.ts'
import type { Json } from '../util/json.ts'
import { headOf, headsOf, takeValue, type FlatOptions } from './flat.ts'

export interface OwnOptions {
  /** As they were given. */
  readonly own: Record<string, unknown>
  /** In their types, with defaults. */
  readonly checked: Record<string, unknown>
}

/** Takes a driver's own options out. @throws {BlockError} for values that have no such meaning. */
export function takeOwnOptions(declared: Members, options: FlatOptions): OwnOptions {
  const own: Record<string, unknown> = {}
  const checked: Record<string, unknown> = {}
  // Few of the dozens that a driver declares are given, and looking for each in all is dear.
  const heads = new Set(headsOf(options))
  for (const [name, member] of entriesOf(declared)) {
    if (!heads.has(headOf(name))) {
      checked[name] = member.default
      continue
    }
    const value = takeValue(options, name)
    if (isEmpty(value) && !hasPlainForm(member.schema)) {
      // It has no flat form, so no driver sees it, and it is complained about in the end.
      options.set(name, value)
      checked[name] = value
      continue
    }
    if (value !== undefined) own[name] = value
    const isGiven = value !== undefined && !isEmpty(value)
    checked[name] = isGiven ? typed(member, value, name) : member.default
  }
  return { own, checked }
}

/**
 * Takes all options out, which must be those that are declared.
 *
 * @throws {BlockError} with the texts that clients get for options like these.
 */
export function takeStrictly(declared: Members, options: FlatOptions): OwnOptions {
  const own = Object.fromEntries(headsOf(options).map((name) => [name, takeValue(options, name)]))
  const checked = checkMembers(declared, asWords(own), 'keyval')
  return { own, checked: withDefaults(declared, checked) }
}

/** As a command line has them, whatever they are: words, and what holds them. */
function asWords(value: unknown): Json {
  if (Array.isArray(value)) return value.map(asWords)
  if (typeof value !== 'object' || value === null) return scalarText(value) ?? null
  return new Map(Object.entries(value).map(([name, member]) => [name, asWords(member)]))
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Drivers look for the plain form by its name; what they find there and cannot read is dropped. */
function hasPlainForm(schema: Schema): boolean {
  return schema.kind === 'alternate' && schema.branches.some(({ kind }) => kind === 'enum')
}

function typed(member: Member, value: unknown, name: string): unknown {
  return coerce(member.schema, value, { name, bytes: member.bytes === true })
}

interface Place {
  readonly name: string
  /** Numbers may have a unit. */
  readonly bytes: boolean
}

function coerce(schema: Schema, value: unknown, place: Place): unknown {
  switch (schema.kind) {
    case 'str':
      return scalarText(value) ?? value
    case 'bool':
      return typeof value === 'boolean' ? value : booleanOf(value, place.name)
    case 'int':
    case 'number':
      return typeof value === 'number' ? value : numberOf(schema, value, place)
    case 'enum':
      return wordOf(schema, value)
    case 'list':
      return Array.isArray(value) ? value.map((item) => coerce(schema.of, item, place)) : value
    case 'struct':
      return membersOf(schema.members, value, place)
    case 'union':
      return unionOf(schema, value, place)
    case 'alternate':
      return coerce(branchOf(schema.branches, value), value, place)
    case 'later':
      return coerce(schema.schema(), value, place)
    case 'null':
    case 'any':
      return value
  }
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return typeof value === 'number' ? String(value) : undefined
}

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...['on', 'yes', 'true', 'y'].map((word) => [word, true] as const),
  ...['off', 'no', 'false', 'n'].map((word) => [word, false] as const),
])

/** @throws {BlockError} for what is no such word. */
export function booleanOf(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  const meaning = BOOLEANS.get(value)
  if (meaning === undefined) throw new BlockError(`Parameter '${name}' expects 'on' or 'off'`)
  return meaning
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
  e: 2 ** 60,
}

function numberOf(schema: Schema, value: unknown, { name, bytes }: Place): number {
  const text = scalarText(value) ?? ''
  const isSize = bytes || (schema.kind === 'int' && schema.name === 'size')
  const [, digits = '', unit = ''] =
    /^([0-9]+(?:\.[0-9]+)?|0x[0-9a-f]+)([bkmgtpe]?)$/i.exec(text) ?? []
  const number = digits === '' ? NaN : Number(digits) * (UNITS[unit.toLowerCase()] ?? NaN)
  if (isSize) {
    if (number < 2 ** 64) return Math.floor(number)
    throw new BlockError(`Parameter '${name}' expects a non-negative number below 2^64`)
  }
  if (/^-?[0-9]+$/.test(text)) return Number(text)
  throw new BlockError(`Parameter '${name}' expects a number`)
}

function wordOf(schema: Schema & { kind: 'enum' }, value: unknown): string {
  const text = scalarText(value) ?? ''
  if (schema.values.some(({ name }) => name === text)) return text
  throw new BlockError(`invalid parameter value: ${text}`)
}

function membersOf(members: Members, value: unknown, { name, bytes }: Place): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const member = Object.hasOwn(members, key) ? members[key] : undefined
      const place = { name: `${name}.${key}`, bytes: bytes || member?.bytes === true }
      return [key, member === undefined ? inner : coerce(member.schema, inner, place)]
    }),
  )
}

function unionOf(schema: Schema & { kind: 'union' }, value: unknown, place: Place): unknown {
  const tag: unknown = (value as Readonly<Record<string, unknown>> | null)?.[schema.tag]
  const variant = typeof tag === 'string' ? schema.variants[tag] : undefined
  return membersOf({ ...schema.base, ...variant }, value, place)
}

function branchOf(branches: readonly Schema[], value: unknown): Schema {
  const nested = typeof value === 'object' && value !== null
  const suits = ({ kind }: Schema): boolean =>
    nested ? kind === 'struct' || kind === 'union' || kind === 'list' : kind !== 'struct'
  return branches.find(suits) ?? { kind: 'any' }
}
