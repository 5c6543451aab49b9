/** Readers of plain values: each answers the value, or reports what is there instead. */
import type { Context } from './context.ts'
import type { Code } from './codes.ts'
import { parseDuration } from './size.ts'
import { didYouMean, nearest } from './suggest.ts'
import {
  describe,
  spanOf,
  type ListNode,
  type MapNode,
  type Node,
  type ScalarNode,
} from './tree.ts'
import { fillText, resolve } from './variables.ts'

export function readMap(context: Context, node: Node, what: string): MapNode | undefined {
  const value = resolve(context, node)
  if (value === undefined || value.kind === 'map') return value
  wrongType(context, value, what, 'a map')
  return undefined
}

export function readList(context: Context, node: Node, what: string): ListNode | undefined {
  const value = resolve(context, node)
  if (value === undefined || value.kind === 'list') return value
  wrongType(context, value, what, 'a list')
  return undefined
}

/** A scalar as it is, its variables not filled in unless it is one. */
export function readScalar(context: Context, node: Node, what: string): ScalarNode | undefined {
  const value = resolve(context, node)
  if (value === undefined) return undefined
  if (value.kind === 'scalar' && value.value !== null) return value
  wrongType(context, value, what, 'text')
  return undefined
}

/** Text with its variables filled in. Numbers count as the text they were written as. */
export function readText(context: Context, node: Node, what: string): ScalarNode | undefined {
  const scalar = readScalar(context, node, what)
  return scalar === undefined ? undefined : fillText(context, scalar)
}

export function readBoolean(context: Context, node: Node, what: string): boolean | undefined {
  const value = resolve(context, node)
  if (value === undefined) return undefined
  if (value.kind === 'scalar' && typeof value.value === 'boolean') return value.value
  const help =
    value.kind === 'scalar' && /^(yes|no|on|off)$/i.test(value.text)
      ? 'booleans are written true and false'
      : undefined
  wrongType(context, value, what, 'true or false', help)
  return undefined
}

/** Nanoseconds. */
export function readDuration(context: Context, node: Node, what: string): number | undefined {
  const text = readText(context, node, what)
  if (text === undefined) return undefined
  const ns = parseDuration(text.text)
  if (ns === undefined) {
    context.problem(text, 'bad-duration', `${what} is no duration: '${shorten(text.text)}'`, {
      help: 'durations are written 500ms, 1s, 1.5s, 2m; at most 24h',
    })
  }
  return ns
}

/** One of a few words. */
export function readWord<T extends string>(
  context: Context,
  node: Node,
  what: string,
  words: readonly T[],
  code: Code,
): T | undefined {
  const text = readText(context, node, what)
  if (text === undefined) return undefined
  const word = words.find((candidate) => candidate === text.text)
  if (word === undefined) {
    context.problem(text, code, `${what} is one of ${words.join(', ')}`, {
      help: didYouMean(text.text, words),
    })
  }
  return word
}

export function wrongType(
  context: Context,
  node: Node,
  what: string,
  wanted: string,
  help?: string,
): void {
  context.problem(node, 'wrong-type', `${what} must be ${wanted}, this is ${describe(node)}`, {
    help,
  })
}

/** What a table says about a key. */
export interface KeyInfo {
  readonly doc: string
  /** False: part of the language, but not built yet. */
  readonly built?: false
}

/** Reports keys that the table does not have; `_…` is free for tools. */
export function checkKeys(
  context: Context,
  map: MapNode,
  table: Readonly<Record<string, KeyInfo>>,
  what: string,
): void {
  const known = Object.keys(table)
  for (const { name, key } of map.entries) {
    if (name.startsWith('_')) continue
    const info = Object.hasOwn(table, name) ? table[name] : undefined
    if (info === undefined) {
      context.problem(key, 'unknown-key', `${what} has no key '${shorten(name)}'`, {
        help:
          didYouMean(name, known) ??
          (known.length <= 14 ? `keys are ${known.join(', ')}` : undefined),
      })
    } else if (info.built === false) {
      notBuilt(context, key, `key '${name}'`)
    }
  }
}

/** What misses a key, unless one that is there is a misspelling of it, which `checkKeys` tells of. */
export function missingKey(
  context: Context,
  map: MapNode,
  about: {
    readonly key: string
    readonly table: Readonly<Record<string, KeyInfo>>
    readonly message: string
    /** Where to show it; the map itself where absent. */
    readonly at?: Node | undefined
  },
): void {
  const { key, table, message, at } = about
  const unknown = map.entries.filter(({ name }) => !Object.hasOwn(table, name))
  if (unknown.some(({ name }) => nearest(name, Object.keys(table)) === key)) return
  context.problem(at ?? map, 'missing-key', message)
}

export function notBuilt(context: Context, node: Node, what: string): void {
  context.problem(node, 'not-built-yet', `${what} is not built yet`)
}

/** Paths of an author stay inside the suite: no absolute ones, no `..`. */
export function isTamePath(path: string): boolean {
  return path !== '' && !/^[/\\]|^[A-Za-z]:|\\|\0/.test(path) && !path.split('/').includes('..')
}

export function checkPath(context: Context, node: ScalarNode): boolean {
  if (isTamePath(node.text)) return true
  context.problemIn(
    node,
    spanOf(node),
    'path-outside',
    `the path '${shorten(node.text)}' leads out of the suite`,
    {
      help: "paths are relative to the suite's folder and hold no '..'",
    },
  )
  return false
}

/** For messages: an author's text is as long as he likes. */
export function shorten(text: string): string {
  const line = text.split('\n')[0] ?? ''
  return line.length > 60 || line !== text ? `${line.slice(0, 60)}…` : text
}
