/**
 * Normalisers: from what a target said to what a golden holds. They work on parsed values with
 * their command and path, never on printed lines; only where a target puts a path or a generated
 * name inside prose is the prose searched for exactly that. Each counts what it touched.
 */
import type { Value } from '../dsl/plan.ts'
import { isList, isMap, isNumber, member } from './json.ts'
import type { Mask } from './masks.ts'
import { MASKS, pathMatches, SORTED } from './masks.ts'
import { bare, countsBytes, hasUnit, type Shown } from './notation.ts'

/** Events that only say that the target ends, and not every kind of target sends. */
const EXIT_CHATTER = new Set(['SHUTDOWN'])

const AUTONAME = /#block(\d+)\d\d\b/
const AUTONAMES = new RegExp(AUTONAME, 'g')

/** Members that come first, in this order; the others follow by name, `error` at the end. */
const LEAD = [
  'node-name',
  'device',
  'id',
  'name',
  'reference',
  'type',
  'drv',
  'driver',
  'status',
  'io-status',
  'operation',
  'action',
  'len',
  'offset',
]
const RANK = new Map(LEAD.map((name, index) => [name, index]))

export class Normaliser {
  readonly counts: Record<string, number> = {}
  readonly #paths = new Map<string, string>()
  #pathPattern: RegExp | undefined
  readonly #directories: readonly string[]
  readonly #names = new Map<string, string>()

  /** @param directories - Scratch folders of the case, absolute. */
  constructor(directories: readonly string[]) {
    this.#directories = [...new Set(directories)]
  }

  /** From now on the path is shown as the symbol: `img:a`, `new:x`. */
  addPath(path: string, symbol: string): void {
    this.#paths.set(path, symbol)
  }

  /** A result of a command, or the data of `event NAME`. */
  value(value: Value, of: string): Shown {
    return this.#walk(value, of, '', undefined)
  }

  /** A path or a name on its own, with nothing known of where it comes from. */
  word(text: string): Shown {
    return this.#string(text)
  }

  /** Prose: an error's description, a tool's message. */
  prose(text: string): string {
    return this.#replaceNames(this.#replacePaths(text))
  }

  /** Whether an event is left out. */
  drops(event: string): boolean {
    if (!EXIT_CHATTER.has(event)) return false
    this.count('shutdown')
    return true
  }

  count(name: string, times = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + times
  }

  #walk(value: Value, of: string, path: string, parent: Value | undefined): Shown {
    const mask = findMask(of, path, value, parent)
    if (mask !== undefined) {
      this.count(mask.name)
      return bare(`<${mask.name}>`)
    }
    if (isList(value)) {
      const items = this.#sorted(value, of, path)
      return items.map((item) => this.#walk(item, of, `${path}[]`, value))
    }
    if (isMap(value)) {
      const names = Object.keys(value).sort(byRank)
      const entries = names.map((name) => {
        const inner = path === '' ? name : `${path}.${name}`
        return [name, this.#walk(value[name] ?? null, of, inner, value)] as const
      })
      return Object.fromEntries(entries)
    }
    if (typeof value === 'string') return this.#string(value)
    if (isNumber(value) && hasUnit(value) && countsBytes(lastName(path))) this.count('size')
    return value
  }

  #sorted(list: readonly Value[], of: string, path: string): readonly Value[] {
    const rule = SORTED.find((entry) => entry.of === of && entry.path === path)
    if (rule === undefined || list.length < 2) return list
    const sorted = list.toSorted((a, b) => compareNames(member(a, rule.key), member(b, rule.key)))
    if (sorted.some((item, index) => item !== list[index])) this.count('order')
    return sorted
  }

  #string(text: string): Shown {
    const symbol = this.#paths.get(text)
    if (symbol !== undefined) {
      this.count('path')
      return bare(symbol)
    }
    if (AUTONAME.exec(text)?.[0] === text) return bare(this.#autoname(text))
    return this.prose(text)
  }

  #replaceNames(text: string): string {
    return text.includes('#') ? text.replace(AUTONAMES, (name) => this.#autoname(name)) : text
  }

  #autoname(name: string): string {
    this.count('autoname')
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const given = `#${String(this.#names.size + 1)}`
    this.#names.set(name, given)
    return given
  }

  #replacePaths(text: string): string {
    this.#pathPattern ??= new RegExp(
      `(?:${this.#directories.map(escapeRegex).join('|')})(?:/[A-Za-z0-9_.+-]*[A-Za-z0-9_+-])?`,
      'g',
    )
    return text.replace(this.#pathPattern, (path) => {
      this.count('path')
      const symbol = this.#paths.get(path)
      if (symbol !== undefined) return symbol
      const inside = this.#directories.find((directory) => path.startsWith(directory)) ?? ''
      return `scratch:${path.slice(inside.length + 1)}`
    })
  }
}

function findMask(
  of: string,
  path: string,
  value: Value,
  parent: Value | undefined,
): Mask | undefined {
  return MASKS.find((mask) => {
    if (mask.of !== of || !pathMatches(mask.path, path) || !hasType(value, mask.type)) return false
    if (mask.where === undefined) return true
    const beside = member(parent, mask.where.member)
    return typeof beside === 'string' && mask.where.values.includes(beside)
  })
}

function hasType(value: Value, type: Mask['type']): boolean {
  if (type === 'string') return typeof value === 'string'
  if (type === 'number') return isNumber(value)
  return typeof value === 'bigint' || Number.isInteger(value)
}

function byRank(a: string, b: string): number {
  const order = rank(a) - rank(b)
  return order !== 0 ? order : a < b ? -1 : a > b ? 1 : 0
}

function rank(name: string): number {
  if (name === 'error') return LEAD.length + 1
  return RANK.get(name) ?? LEAD.length
}

/** Names that people gave come first, by letters; generated ones follow in order of creation. */
export function compareNames(a: Value | undefined, b: Value | undefined): number {
  const left = nameKey(a)
  const right = nameKey(b)
  if (left.serial !== right.serial) return left.serial - right.serial
  return left.text < right.text ? -1 : left.text > right.text ? 1 : 0
}

function nameKey(value: Value | undefined): { readonly serial: number; readonly text: string } {
  if (typeof value !== 'string') return { serial: -2, text: '' }
  const match = AUTONAME.exec(value)
  return match?.[0] === value ? { serial: Number(match[1]), text: '' } : { serial: -1, text: value }
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** The member that a path such as `[].image.virtual-size` ends with. */
function lastName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1).replace(/(\[\])+$/, '')
}
