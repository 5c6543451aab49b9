/**
 * `key=value,…` on command lines: dotted keys nest, numbered ones make lists, `,,` is a comma in a
 * value, the last value of a key counts. All values are strings; declarations give them meaning.
 */
import { BlockError } from '../util/errors.ts'
import type { Json } from '../util/json.ts'
import { parseJsonText } from '../qmp/json/text.ts'
import type { Wire } from '../block/check.ts'

export interface OptionValue {
  readonly value: Json
  readonly wire: Wire
  /** The text asks for help on what else it says. */
  readonly help: boolean
}

/** An option's text in either form: JSON when it starts with `{`. */
export function parseOptionText(text: string, impliedKey: string | undefined): OptionValue {
  if (text.startsWith('{')) return { value: parseJsonText(text), wire: 'json', help: false }
  return { ...parseKeyval(text, impliedKey), wire: 'keyval' }
}

type Tree = Map<string, Tree | string>

const FRAGMENT = '[a-zA-Z][a-zA-Z0-9_-]*'
const KEY = new RegExp(`^${FRAGMENT}(\\.(${FRAGMENT}|[0-9]+))*$`)
const MAX_FRAGMENT = 127

/** @throws {BlockError} for the first thing that is wrong. */
export function parseKeyval(
  text: string,
  impliedKey: string | undefined,
): { readonly value: Json; readonly help: boolean } {
  const tree: Tree = new Map()
  let help = false
  let rest = text
  let implied = impliedKey
  while (rest !== '') {
    const end = rest.search(/[=,]/)
    const key = end === -1 ? rest : rest.slice(0, end)
    const after = end === -1 ? '' : rest.slice(end + 1)
    if (end !== -1 && rest[end] === '=') {
      const [value, remainder] = takeValue(after)
      put(tree, key, value)
      rest = remainder
    } else {
      if (key === 'help' || key === '?') help = true
      else if (implied !== undefined && key !== '') put(tree, implied, key)
      else if (key === '') throw new BlockError(`Invalid parameter '${key}'`)
      else throw unassigned(key)
      rest = after
    }
    implied = undefined
  }
  return { value: listed(tree, ''), help }
}

/** The value up to the next single comma, and what follows that. */
function takeValue(text: string): [value: string, rest: string] {
  let value = ''
  let rest = text
  for (;;) {
    const comma = rest.indexOf(',')
    if (comma === -1) return [value + rest, '']
    value += rest.slice(0, comma)
    rest = rest.slice(comma + 1)
    if (!rest.startsWith(',')) return [value, rest]
    value += ','
    rest = rest.slice(1)
  }
}

function unassigned(key: string): BlockError {
  checkKey(key)
  return new BlockError(`Expected '=' after parameter '${key}'`)
}

function checkKey(key: string): void {
  if (!KEY.test(key)) throw new BlockError(`Invalid parameter '${key}'`)
  const parts = key.split('.')
  const long = parts.findIndex((part) => part.length > MAX_FRAGMENT)
  if (long === -1) return
  throw new BlockError(`Parameter${long > 0 ? ' fragment' : ''} '${parts[long] ?? ''}' is too long`)
}

function put(tree: Tree, key: string, value: string): void {
  checkKey(key)
  const parts = key.split('.').map((part) => (/^[0-9]/.test(part) ? String(BigInt(part)) : part))
  let place = tree
  parts.slice(0, -1).forEach((part, index) => {
    const inner = place.get(part)
    if (typeof inner === 'string') throw inconsistent(parts.slice(0, index + 1).join('.'))
    const next: Tree = inner ?? new Map<string, Tree | string>()
    place.set(part, next)
    place = next
  })
  const last = parts.at(-1) ?? ''
  if (place.get(last) instanceof Map) throw inconsistent(parts.join('.'))
  place.set(last, value)
}

function inconsistent(path: string): BlockError {
  return new BlockError(`Parameters '${path}.*' used inconsistently`)
}

/** Turns what is numbered into lists, innermost first. */
function listed(tree: Tree, path: string): Json {
  const members = new Map<string, Json>()
  for (const [name, value] of tree) {
    const inner = path === '' ? name : `${path}.${name}`
    members.set(name, typeof value === 'string' ? value : listed(value, inner))
  }
  const numbers = [...members.keys()].filter((name) => /^[0-9]+$/.test(name))
  if (numbers.length === 0) return members
  if (numbers.length < members.size) throw inconsistent(path)
  return numbers.map((_, index) => {
    const element = members.get(String(index))
    if (element === undefined) throw new BlockError(`Parameter '${path}.${index}' missing`)
    return element
  })
}
