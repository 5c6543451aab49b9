/**
 * Options without nesting, as QEMU keeps them: `file.driver`, `server.path`, `children.0`. Values
 * are as they were given, so that a string stays a string; an empty list or dictionary has no flat
 * form and stays a value.
 */
import { inKeyOrder } from '../util/key-order.ts'

export type FlatOptions = Map<string, unknown>

/** @param options - Nested, dotted or both; what is nested goes before what is dotted. */
export function flatten(options: Readonly<Record<string, unknown>>): FlatOptions {
  const flat: FlatOptions = new Map()
  const put = (name: string, value: unknown): void => {
    const inner = membersOf(value)
    if (inner === undefined) flat.set(name, value)
    else for (const [key, member] of inner) put(`${name}.${key}`, member)
  }
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  const plain = entries.filter(([, value]) => !isNested(value))
  const inner = inKeyOrder(entries.filter(([, value]) => isNested(value)))
  for (const [name, value] of [...plain, ...inner]) put(name, value)
  return flat
}

/**
 * The options in the order of QEMU's table after it was copied once, as it is before the options
 * of a child are taken out.
 */
function inCopyOrder(options: FlatOptions): (readonly [string, unknown])[] {
  return inKeyOrder([...copied(options)])
}

/** A copy as QEMU makes it: names that share a bucket of the table turn around. */
export function copied(options: FlatOptions): FlatOptions {
  return new Map(inKeyOrder([...options]))
}

function isNested(value: unknown): boolean {
  return membersOf(value) !== undefined
}

/** The members of a list or dictionary that has any. */
function membersOf(value: unknown): (readonly [string, unknown])[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  if (entries.length === 0) return undefined
  return Array.isArray(value) ? entries : inKeyOrder(entries)
}

/** Takes the options of a child, or of any other prefix, out; their names lose the prefix. */
export function takeNested(options: FlatOptions, prefix: string): FlatOptions {
  // Most often there are none, and putting all in order is not cheap.
  if (!hasNested(options, prefix)) return new Map()
  return take(options, prefix, inCopyOrder(options))
}

/** The same where a node is reopened, whose options nobody has copied before. */
export function takeRestated(options: FlatOptions, prefix: string): FlatOptions {
  return take(options, prefix, inKeyOrder([...options]))
}

function hasNested(options: FlatOptions, prefix: string): boolean {
  const dotted = `${prefix}.`
  for (const name of options.keys()) if (name.startsWith(dotted)) return true
  return false
}

function take(
  options: FlatOptions,
  prefix: string,
  entries: readonly (readonly [string, unknown])[],
): FlatOptions {
  const taken: FlatOptions = new Map()
  for (const [name, value] of entries) {
    if (!name.startsWith(`${prefix}.`)) continue
    taken.set(name.slice(prefix.length + 1), value)
    options.delete(name)
  }
  return taken
}

/** Takes what belongs to one option, nested or not, out, and nests it again. */
export function takeValue(options: FlatOptions, name: string): unknown {
  const inner = takeNested(options, name)
  const plain = options.get(name)
  options.delete(name)
  return inner.size === 0 ? plain : nest(inner)
}

/** What the names begin with, up to their first dot, each once. */
export function headsOf(options: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...options.keys()].map(headOf))]
}

export function headOf(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? name : name.slice(0, dot)
}

/** Lists where the names count from 0 on, dictionaries elsewhere. */
function nest(flat: FlatOptions): unknown {
  const heads = headsOf(flat)
  const members = heads.map((head) => [head, takeValue(flat, head)] as const)
  const isList = members.every(
    ([head], index) => heads.includes(String(index)) && /^\d+$/.test(head),
  )
  if (!isList) return Object.fromEntries(members)
  return members.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, member]) => member)
}

/** Puts what is not there yet. */
export function putMissing(options: FlatOptions, others: ReadonlyMap<string, unknown>): void {
  for (const [name, value] of others) if (!options.has(name)) options.set(name, value)
}

/** The names, in the order in which complaints name the first of them. */
export function namesInOrder(options: FlatOptions): string[] {
  return inKeyOrder([...options]).map(([name]) => name)
}

/** The option's value where it is a string: a node's name, a driver's, a file's. */
export function stringOption(options: FlatOptions, name: string): string | undefined {
  const value = options.get(name)
  return typeof value === 'string' ? value : undefined
}

/** The numbers 0, 1, … for which the list has an element, in this order. */
export function* listed(options: FlatOptions, name: string): Generator<string> {
  for (let index = 0; ; index += 1) {
    const element = `${name}.${String(index)}`
    if (!options.has(element) && !hasNested(options, element)) return
    yield element
  }
}
