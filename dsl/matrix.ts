/** The matrix: every combination of its variables, less the excluded, plus the included. */
import { notBuilt, readList, readMap, shorten } from './check.ts'
import type { Context } from './context.ts'
import { LIMITS } from './limits.ts'
import { bind, isFreeName } from './binding.ts'
import type { Binding } from './scope.ts'
import { didYouMean } from './suggest.ts'
import { fillDeep, toValue } from './template.ts'
import { find, spanOf, type Entry, type MapNode, type Node } from './tree.ts'

/** A variable with its values. */
interface Axis {
  readonly entry: Entry
  readonly values: readonly Node[]
  readonly usage: { used: boolean }
}

export interface Matrix {
  readonly axes: readonly Axis[]
  /** Bindings of each case, in declaration order; one empty case without a matrix. */
  readonly cases: readonly (readonly Binding[])[]
}

const RESERVED = new Set(['exclude', 'include', 'pairwise'])

/** More combinations than this are not even listed. */
const MOST_COMBINATIONS = 20_000

export function makeMatrix(context: Context, node: Node | undefined): Matrix {
  const map = node === undefined ? undefined : readMap(context, node, "'matrix'")
  if (map === undefined) return { axes: [], cases: [[]] }
  const pairwise = find(map, 'pairwise')
  if (pairwise !== undefined) notBuilt(context, pairwise.key, "key 'pairwise'")
  const axes = map.entries.flatMap((entry) => makeAxis(context, entry) ?? [])
  const count = axes.reduce((product, axis) => product * axis.values.length, 1)
  if (count > MOST_COMBINATIONS) {
    tooMany(context, map, count)
    return { axes, cases: [] }
  }
  const excluded = partialMaps(context, map, 'exclude', axes)
  const included = partialMaps(context, map, 'include', axes)
  const kept = product(axes, new Map()).filter(
    (values) => !excluded.some(({ choice }) => agrees(axes, values, choice)),
  )
  for (const { choice, node: place } of included) {
    const added = product(axes, choice).filter(
      (values) => !kept.some((other) => same(values, other)),
    )
    if (added.length === 0) {
      context.problem(place, 'include-nothing', 'this adds no case: all of them are in the matrix')
    }
    kept.push(...added)
  }
  for (const { choice, node: place } of excluded) {
    if (product(axes, new Map()).some((values) => agrees(axes, values, choice))) continue
    context.problem(place, 'exclude-nothing', 'this excludes no case of the matrix')
  }
  if (kept.length > LIMITS.cases) tooMany(context, map, kept.length)
  if (kept.length === 0) context.problem(map, 'matrix-empty', 'the matrix has no case')
  const cases = kept.slice(0, LIMITS.cases).map((values) => bindCase(axes, values))
  return { axes, cases }
}

function tooMany(context: Context, map: MapNode, count: number): void {
  const limit = String(LIMITS.cases)
  context.problem(
    map,
    'too-many-cases',
    `the matrix has ${String(count)} cases, more than ${limit}`,
  )
}

function makeAxis(context: Context, entry: Entry): Axis | undefined {
  if (RESERVED.has(entry.name) || !isFreeName(context, entry.key)) return undefined
  const list = readList(context, entry.value, `'${shorten(entry.name)}'`)
  if (list === undefined) return undefined
  if (list.items.length === 0) {
    context.problem(list, 'each-empty', `the list '${entry.name}' is empty`)
    return undefined
  }
  const values: Node[] = []
  for (const item of list.items) {
    const value = fillDeep(context, item)
    const before = values.find((other) => same([value], [other]))
    if (before === undefined) values.push(value)
    else {
      context.problem(item, 'duplicate-item', 'this value stands here twice', {
        notes: [{ message: 'first here', span: spanOf(before) }],
      })
    }
  }
  return { entry, values, usage: { used: false } }
}

/** All combinations, the last variable running fastest; `fixed` gives single values to some. */
function product(axes: readonly Axis[], fixed: ReadonlyMap<string, Node>): Node[][] {
  let rows: Node[][] = [[]]
  for (const { entry, values } of axes) {
    const own = fixed.get(entry.name)
    const options = own === undefined ? values : [own]
    rows = rows.flatMap((row) => options.map((value) => [...row, value]))
  }
  return rows
}

interface Choice {
  readonly choice: ReadonlyMap<string, Node>
  readonly node: Node
}

function partialMaps(
  context: Context,
  matrix: MapNode,
  key: 'exclude' | 'include',
  axes: readonly Axis[],
): Choice[] {
  const entry = find(matrix, key)
  const list = entry === undefined ? undefined : readList(context, entry.value, `'${key}'`)
  return list?.items.flatMap((item) => readChoice(context, item, key, axes) ?? []) ?? []
}

function readChoice(
  context: Context,
  node: Node,
  key: string,
  axes: readonly Axis[],
): Choice | undefined {
  const map = readMap(context, node, `an item of '${key}'`)
  if (map === undefined) return undefined
  const choice = new Map<string, Node>()
  for (const { name, key: keyNode, value } of map.entries) {
    if (axes.some((axis) => axis.entry.name === name)) {
      choice.set(name, fillDeep(context, value))
      continue
    }
    context.problem(keyNode, 'unknown-variable', `the matrix has no variable '${shorten(name)}'`, {
      help: didYouMean(
        name,
        axes.map((axis) => axis.entry.name),
      ),
    })
    return undefined
  }
  return { choice, node }
}

function agrees(
  axes: readonly Axis[],
  values: readonly Node[],
  choice: ReadonlyMap<string, Node>,
): boolean {
  return axes.every((axis, index) => {
    const wanted = choice.get(axis.entry.name)
    const value = values[index]
    return wanted === undefined || (value !== undefined && same([wanted], [value]))
  })
}

function same(a: readonly Node[], b: readonly Node[]): boolean {
  return keyOf(a) === keyOf(b)
}

function keyOf(nodes: readonly Node[]): string {
  return JSON.stringify(
    nodes.map((node) => toValue(node)),
    (_key, value: unknown) => (typeof value === 'bigint' ? `${String(value)}n` : value),
  )
}

function bindCase(axes: readonly Axis[], values: readonly Node[]): Binding[] {
  return axes.flatMap((axis, index) => {
    const value = values[index]
    return value === undefined ? [] : [bind('matrix', axis.entry, value, axis.usage)]
  })
}

/** Every case should differ from the others in something that matters. */
export function reportUnusedAxes(context: Context, matrix: Matrix): void {
  for (const { entry, usage } of matrix.axes) {
    if (usage.used) continue
    context.problem(
      entry.key,
      'unused-variable',
      `nothing depends on the matrix variable '${entry.name}'`,
      {
        help: `use $${entry.name}, or take it out: its cases are all the same`,
      },
    )
  }
}
