/**
 * The option table of a verb, and the parser that reads words by it. A verb declares each flag
 * once; parsing, types, help and "did you mean" all come from that declaration.
 */
import { hint } from './suggest.ts'
import { CommandError, isCommandError } from './verb.ts'

interface Described {
  /** One letter. */
  readonly short?: string
  readonly doc: string
}

export interface Switch extends Described {
  readonly kind: 'switch'
}

export interface Valued<V> extends Described {
  /** `many` may be given several times. */
  readonly kind: 'one' | 'many'
  /** How help names the value: `N|50%|auto`. */
  readonly value: string
  /** A value as one would type it. */
  readonly example: string
  /** What a bare flag means; then a following word is taken only if it is a valid value. */
  readonly bare?: string
  /** @throws {CommandError} saying what would be right. */
  parse(text: string): V
}

export interface One<V> extends Valued<V> {
  readonly kind: 'one'
}

export interface Many<V> extends Valued<V> {
  readonly kind: 'many'
}

export type Flag = Switch | One<unknown> | Many<unknown>
export type FlagTable = Readonly<Record<string, Flag>>

/** What the parser returns for a table. */
export type Values<T extends FlagTable> = {
  readonly [K in keyof T]: T[K] extends Switch
    ? boolean
    : T[K] extends One<infer V>
      ? V | undefined
      : T[K] extends Many<infer V>
        ? readonly V[]
        : never
}

type Rest<V> = Omit<Valued<V>, 'kind' | 'parse'>

export function toggle(spec: Described): Switch {
  return { kind: 'switch', ...spec }
}

export function one<V>(spec: Rest<V> & { readonly parse: (text: string) => V }): One<V> {
  return { ...spec, kind: 'one' }
}

export function many<V>(spec: Rest<V> & { readonly parse: (text: string) => V }): Many<V> {
  return { ...spec, kind: 'many' }
}

/** Any text but an empty one. */
export function text(value: string): string {
  if (value === '') throw new CommandError('must not be empty')
  return value
}

/** A whole number in a range. */
export function whole(low: number, high: number = Number.MAX_SAFE_INTEGER) {
  return (value: string): number => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < low || number > high) {
      const range = high === Number.MAX_SAFE_INTEGER ? `from ${low} up` : `${low} to ${high}`
      throw new CommandError(`wants a whole number ${range}`)
    }
    return number
  }
}

/** One of a few words. */
export function choice<const C extends readonly string[]>(...words: C) {
  return (value: string): C[number] => {
    const found = words.find((word) => word === value)
    if (found === undefined) {
      throw new CommandError(`wants ${words.join(', ')}${hint(value, words)}`)
    }
    return found
  }
}

/** Reads words by a table; `--` ends the flags, and a lone `-` is a word. */
export function parseFlags<T extends FlagTable>(
  table: T,
  argv: readonly string[],
  notBuilt: readonly string[] = [],
): { readonly flags: Values<T>; readonly words: readonly string[]; readonly help: boolean } {
  const found = new Map<string, unknown>()
  const words: string[] = []
  let help = false
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? ''
    if (word === '--') {
      words.push(...argv.slice(index + 1))
      break
    }
    if (word === '--help' || word === '-h') {
      help = true
    } else if (!word.startsWith('-') || word === '-') {
      words.push(word)
    } else {
      const { name, flag, glued } = lookUp(table, word, notBuilt)
      index += store(found, name, flag, spelling(word), glued, argv[index + 1])
    }
  }
  const entries = Object.entries(table).map(([name, flag]) => [
    name,
    found.get(name) ?? empty(flag),
  ])
  // `store` and `empty` put into each member what its declaration says.
  return { flags: Object.fromEntries(entries) as Values<T>, words, help }
}

function empty(flag: Flag): unknown {
  return flag.kind === 'switch' ? false : flag.kind === 'many' ? [] : undefined
}

function spelling(word: string): string {
  return word.startsWith('--') ? (word.split('=', 1)[0] ?? word) : word.slice(0, 2)
}

interface Found {
  readonly name: string
  readonly flag: Flag
  readonly glued: string | undefined
}

/** Finds what `--name`, `--name=value`, `-n` or `-nvalue` means. */
function lookUp(table: FlagTable, word: string, notBuilt: readonly string[]): Found {
  const wanted = spelling(word)
  if (word.startsWith('--')) {
    const name = wanted.slice(2)
    const flag = Object.hasOwn(table, name) ? table[name] : undefined
    if (flag === undefined && notBuilt.includes(name)) {
      throw new CommandError(`flag '${wanted}' is not built yet`)
    }
    if (flag === undefined) {
      throw new CommandError(`unknown flag '${wanted}'${hint(name, Object.keys(table), '--')}`)
    }
    return { name, flag, glued: word === wanted ? undefined : word.slice(wanted.length + 1) }
  }
  for (const [name, flag] of Object.entries(table)) {
    if (flag.short !== word[1]) continue
    const rest = word.slice(2).replace(/^=/, '')
    if (rest !== '' && flag.kind === 'switch') break
    return { name, flag, glued: word.length === 2 ? undefined : rest }
  }
  const long = hint(word.replace(/^-+/, ''), Object.keys(table), '--')
  throw new CommandError(`unknown flag '${word}'${long}`)
}

/** Stores one occurrence; returns how many further words it used up. */
function store(
  found: Map<string, unknown>,
  name: string,
  flag: Flag,
  spelled: string,
  glued: string | undefined,
  next: string | undefined,
): number {
  if (flag.kind === 'switch') {
    if (glued !== undefined) throw new CommandError(`flag '${spelled}' takes no value`)
    found.set(name, true)
    return 0
  }
  if (flag.kind === 'one' && found.has(name)) {
    throw new CommandError(`flag '${spelled}' is given twice`)
  }
  const { value, used } = chooseValue(flag, spelled, glued, next)
  const parsed = parseValue(flag, spelled, value)
  found.set(
    name,
    flag.kind === 'one' ? parsed : [...((found.get(name) as unknown[] | undefined) ?? []), parsed],
  )
  return used
}

function chooseValue(
  flag: Valued<unknown>,
  spelled: string,
  glued: string | undefined,
  next: string | undefined,
): { readonly value: string; readonly used: number } {
  if (glued !== undefined) return { value: glued, used: 0 }
  if (flag.bare !== undefined) {
    const taken = next !== undefined && isValid(flag, next)
    return taken ? { value: next, used: 1 } : { value: flag.bare, used: 0 }
  }
  if (next === undefined || (next.startsWith('-') && next.length > 1)) {
    throw new CommandError(
      `flag '${spelled}' needs a value: ${flag.value}, for example '${spelled} ${flag.example}'`,
    )
  }
  return { value: next, used: 1 }
}

function isValid(flag: Valued<unknown>, value: string): boolean {
  try {
    flag.parse(value)
    return true
  } catch {
    return false
  }
}

function parseValue(flag: Valued<unknown>, spelled: string, value: string): unknown {
  try {
    return flag.parse(value)
  } catch (error) {
    if (!isCommandError(error)) throw error
    throw new CommandError(`flag '${spelled}': ${error.message}, not '${value}'`)
  }
}
