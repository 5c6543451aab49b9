/**
 * Checks parsed values against declared members, with the texts and the order of checks that QEMU
 * has: members as declared, nested ones in their place, then the tag's further members, and what
 * nobody declared last.
 *
 * There are two wires. `json` values carry their types; `keyval` ones (command lines) are strings
 * that the declaration gives a meaning. The texts differ.
 */
import { unreachable } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'
import type { Json, JsonObject } from '../util/json.ts'
import { checkExactInteger, checkInteger } from './integer.ts'
import { entriesOf, type Feature, type Members, type Schema, type Union } from './option.ts'
import { firstUndeclared } from './undeclared.ts'

export type Wire = 'json' | 'keyval'

/** Where a value stands: its whole path for most texts, its own name for some. */
export interface Place {
  /** Such as `options[0].file`; empty for the value that holds all others. */
  readonly path: string
  /** Absent for an element of a list, which QEMU calls `null`. */
  readonly name: string | undefined
  readonly wire: Wire
  /** Refuses what a client does not want to send by mistake. */
  readonly allow?: Allow
}

/** Told of every member and word with features that is used. @throws {BlockError} */
export type Allow = (
  features: readonly Feature[] | undefined,
  what: 'parameter' | 'value',
  name: string,
) => void

/**
 * The given members, checked; what was not given stays absent. Whole numbers become `number`.
 *
 * @throws {BlockError} with QEMU's text for the first thing that is wrong.
 */
export function checkMembers(
  members: Members,
  value: Json,
  wire: Wire = 'json',
  allow?: Allow,
): Record<string, unknown> {
  return checkStruct(members, value, placeOf(wire, allow))
}

/** The same for a value of any shape, such as a union's. */
export function checkValue(
  schema: Schema,
  value: Json,
  wire: Wire = 'json',
  allow?: Allow,
): unknown {
  return check(schema, value, placeOf(wire, allow))
}

function placeOf(wire: Wire, allow: Allow | undefined): Place {
  return { path: '', name: undefined, wire, ...(allow === undefined ? {} : { allow }) }
}

/** The same for one named value on its own. */
export function checkMember(name: string, schema: Schema, value: Json): unknown {
  return check(schema, value, { path: name, name, wire: 'json' })
}

/** Puts the declared defaults where nothing was given. */
export function withDefaults(
  members: Members,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = { ...given }
  for (const [name, member] of entriesOf(members)) {
    if (values[name] === undefined && member.default !== undefined) values[name] = member.default
  }
  return values
}

function check(schema: Schema, value: Json, place: Place): unknown {
  switch (schema.kind) {
    case 'str':
      return typeof value === 'string' ? value : wrongType(place, 'string')
    case 'bool':
      return checkBool(value, place)
    case 'int':
      return schema.exact === true
        ? checkExactInteger(schema, value, place)
        : checkInteger(schema, value, place)
    case 'number':
      return checkNumber(value, place)
    case 'null':
      return value === null ? null : wrongType(place, 'null')
    case 'any':
      return value
    case 'enum':
      return checkEnum(schema, value, place)
    case 'list':
      return checkList(schema.of, value, place)
    case 'struct':
      return checkStruct(schema.members, value, place)
    case 'union':
      return checkUnion(schema, value, place)
    case 'alternate':
      return checkAlternate(schema, value, place)
    case 'later':
      return check(schema.schema(), value, place)
    default:
      return unreachable(schema)
  }
}

/** @throws always: the value's JSON type is not the declared one. */
export function wrongType(place: Place, expected: string): never {
  throw new BlockError(`Invalid parameter type for '${place.path}', expected: ${expected}`)
}

const BOOLEAN_WORDS: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['yes', true],
  ['true', true],
  ['y', true],
  ['off', false],
  ['no', false],
  ['false', false],
  ['n', false],
])

function checkBool(value: Json, place: Place): boolean {
  if (place.wire === 'json') return typeof value === 'boolean' ? value : wrongType(place, 'boolean')
  if (typeof value !== 'string') return wrongType(place, 'string')
  const meaning = BOOLEAN_WORDS.get(value)
  if (meaning === undefined) {
    throw new BlockError(`Parameter '${place.path}' expects 'on' or 'off'`)
  }
  return meaning
}

function checkNumber(value: Json, place: Place): number {
  if (place.wire === 'keyval') {
    if (typeof value !== 'string') return wrongType(place, 'string')
    if (!/^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$/.test(value)) {
      throw new BlockError(`Invalid parameter type for '${place.path}', expected: number`)
    }
    return Number(value)
  }
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  return wrongType(place, 'number')
}

function checkEnum(schema: Schema & { kind: 'enum' }, value: Json, place: Place): string {
  if (typeof value !== 'string') return wrongType(place, 'string')
  const known = schema.values.find(({ name }) => name === value)
  if (known !== undefined) {
    place.allow?.(known.features, 'value', value)
    return value
  }
  throw new BlockError(`Parameter '${place.name ?? 'null'}' does not accept value '${value}'`)
}

function checkList(of: Schema, value: Json, place: Place): unknown[] {
  if (!Array.isArray(value)) return wrongType(place, 'array')
  // The guard for arrays forgets that these are read-only.
  const elements = value as readonly Json[]
  return elements.map((element, index) => {
    const path = place.wire === 'json' ? `${place.path}[${index}]` : `${place.path}.${index}`
    return check(of, element, { ...place, path, name: undefined })
  })
}

function checkStruct(members: Members, value: Json, place: Place): Record<string, unknown> {
  const object = objectOf(value, place)
  const checked = checkDeclared(members, object, place)
  if (!holdsAll(checked, object)) refuseUndeclared(members, object, place)
  return checked
}

function checkUnion(schema: Union, value: Json, place: Place): Record<string, unknown> {
  const object = objectOf(value, place)
  const base = checkDeclared(schema.base, object, place)
  const variant = variantOf(schema, base)
  const further = checkDeclared(variant, object, place)
  const checked = { ...base, ...further }
  if (!holdsAll(checked, object)) refuseUndeclared({ ...schema.base, ...variant }, object, place)
  return checked
}

function variantOf(schema: Union, base: Readonly<Record<string, unknown>>): Members {
  const tag = base[schema.tag] ?? schema.base[schema.tag]?.default
  return (typeof tag === 'string' ? schema.variants[tag] : undefined) ?? {}
}

function objectOf(value: Json, place: Place): JsonObject {
  return value instanceof Map ? (value as JsonObject) : wrongType(place, 'object')
}

function checkDeclared(
  members: Members,
  object: JsonObject,
  place: Place,
): Record<string, unknown> {
  const checked: Record<string, unknown> = {}
  for (const [name, member] of entriesOf(members)) {
    const value = object.get(name)
    // Of the dozens that a driver declares few are given.
    if (value === undefined && member.optional) continue
    const path = within(place, name)
    if (value === undefined) throw new BlockError(`Parameter '${path}' is missing`)
    place.allow?.(member.features, 'parameter', name)
    checked[name] = check(member.schema, value, { ...place, path, name })
  }
  return checked
}

function within(place: Place, name: string): string {
  return place.path === '' ? name : `${place.path}.${name}`
}

/** Whether all of the object's members were declared. */
function holdsAll(checked: Readonly<Record<string, unknown>>, object: JsonObject): boolean {
  return Object.keys(checked).length === object.size
}

function refuseUndeclared(members: Members, object: JsonObject, place: Place): void {
  const name = firstUndeclared(Object.keys(members), object.keys())
  if (name !== undefined) throw new BlockError(`Parameter '${within(place, name)}' is unexpected`)
}

function checkAlternate(
  schema: Schema & { kind: 'alternate' },
  value: Json,
  place: Place,
): unknown {
  const branch = schema.branches.map(resolved).find((candidate) => suits(candidate, value))
  if (branch === undefined) {
    const name = place.name ?? 'null'
    throw new BlockError(`Invalid parameter type for '${name}', expected: ${schema.name}`)
  }
  return check(branch, value, place)
}

function resolved(schema: Schema): Schema {
  return schema.kind === 'later' ? resolved(schema.schema()) : schema
}

/** Whether a branch of an alternate is the one for values of this JSON type. */
function suits(schema: Schema, value: Json): boolean {
  if (value === null) return schema.kind === 'null'
  if (typeof value === 'string') return schema.kind === 'str' || schema.kind === 'enum'
  if (typeof value === 'boolean') return schema.kind === 'bool'
  if (typeof value === 'bigint') return schema.kind === 'int' || schema.kind === 'number'
  if (typeof value === 'number') return schema.kind === 'number'
  if (Array.isArray(value)) return schema.kind === 'list'
  return schema.kind === 'struct' || schema.kind === 'union'
}
