/**
 * The tree that every later stage reads: YAML without its syntax. Aliases and merge keys are
 * expanded, keys are text, and each node knows where it came from.
 */
import type { Note } from './problem.ts'
import type { Scalar, Span } from './plan.ts'
import type { Source } from './source.ts'

interface Base {
  readonly source: Source
  /** Offsets into the source, half-open. */
  readonly start: number
  readonly end: number
  /** Where an alias, a variable or a `use` brought the node in, innermost last. */
  readonly via: readonly Note[]
  /** The variable that this value was filled in for. */
  readonly used?: Used
}

export interface Used {
  readonly source: Source
  readonly span: Span
}

export interface ScalarNode extends Base {
  readonly kind: 'scalar'
  readonly value: Scalar
  /** The decoded text of a string; the spelling of anything else. */
  readonly text: string
  readonly style: 'plain' | 'quoted' | 'block'
  /** Offset in the source of the character at `index` of `text`; `text.length` is allowed. */
  readonly offsetAt: (index: number) => number
}

export interface ListNode extends Base {
  readonly kind: 'list'
  readonly items: readonly Node[]
}

export interface Entry {
  readonly name: string
  readonly key: ScalarNode
  readonly value: Node
}

export interface MapNode extends Base {
  readonly kind: 'map'
  readonly entries: readonly Entry[]
}

export type Node = ScalarNode | ListNode | MapNode

export function spanOf(node: Node): Span {
  return node.source.span(node.start, node.end)
}

/** The span of `start..end` of a scalar's text. */
export function spanIn(node: ScalarNode, start: number, end: number): Span {
  const from = node.offsetAt(start)
  return node.source.span(from, end > start ? node.offsetAt(end - 1) + 1 : from)
}

export function find(map: MapNode, name: string): Entry | undefined {
  return map.entries.find((entry) => entry.name === name)
}

/** The same node, reached through one more place. */
export function withVia<T extends Node>(node: T, note: Note): T {
  return rewrap(node, [note, ...node.via]) as T
}

function rewrap(node: Node, via: readonly Note[]): Node {
  switch (node.kind) {
    case 'scalar':
      return { ...node, via }
    case 'list':
      return { ...node, via, items: node.items.map((item) => rewrapUnder(item, via)) }
    case 'map':
      return {
        ...node,
        via,
        entries: node.entries.map(({ name, key, value }) => ({
          name,
          key: { ...key, via },
          value: rewrapUnder(value, via),
        })),
      }
  }
}

/** Keeps what a nested alias has already noted. */
function rewrapUnder(node: Node, via: readonly Note[]): Node {
  const own = node.via.filter((note) => !via.includes(note))
  return rewrap(node, own.length === 0 ? via : [...via, ...own])
}

export function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null
}

/** What a person calls this kind of value. */
export function describe(node: Node): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a map'
  const { value } = node
  if (value === null) return node.text === '' ? 'nothing' : 'null'
  switch (typeof value) {
    case 'boolean':
      return 'a boolean'
    case 'string':
      return 'text'
    default:
      return 'a number'
  }
}
