/** `golden`, `tidy` and `target`: how a scenario is recorded, checked and started. */
import {
  checkKeys,
  readList,
  readMap,
  readText,
  readWord,
  wrongType,
  type KeyInfo,
} from './check.ts'
import type { Context } from './context.ts'
import type { GoldenOptions, TargetOptions, TidyOptions } from './plan.ts'
import { find, spanOf, type MapNode, type Node } from './tree.ts'
import { resolve } from './variables.ts'
const GOLDEN_KEYS: Readonly<Record<string, KeyInfo>> = {
  order: { doc: 'lanes (default) or strict.' },
  graph: { doc: 'What a picture shows besides edges: types, perms.' },
  keep: { doc: 'Fields to keep.', built: false },
  drop: { doc: 'Fields to drop.', built: false },
}

const PICTURE = ['types', 'perms'] as const

export function readGolden(context: Context, node: Node | undefined): GoldenOptions {
  const defaults: GoldenOptions = { enabled: true, order: 'lanes', graph: [] }
  if (node === undefined) return defaults
  const value = resolve(context, node)
  if (value?.kind === 'scalar' && typeof value.value === 'boolean')
    return { ...defaults, enabled: value.value }
  if (value?.kind !== 'map') {
    if (value !== undefined) wrongType(context, value, "'golden'", 'true, false or a map')
    return defaults
  }
  checkKeys(context, value, GOLDEN_KEYS, "'golden'")
  const order = find(value, 'order')?.value
  const graph = find(value, 'graph')?.value
  const list = graph === undefined ? undefined : readList(context, graph, "'graph'")
  return {
    enabled: true,
    order:
      order === undefined
        ? 'lanes'
        : (readWord(context, order, "'order'", ['lanes', 'strict'], 'golden-option') ?? 'lanes'),
    graph:
      list?.items.flatMap(
        (item) => readWord(context, item, "'graph'", PICTURE, 'golden-option') ?? [],
      ) ?? [],
  }
}

const TIDY_KEYS = {
  jobs: { doc: 'No job is left.' },
  exports: { doc: 'No export is left.' },
  leaks: { doc: 'No node is left.' },
  check: { doc: 'Every image that was written is clean.' },
} as const satisfies Record<keyof TidyOptions, KeyInfo>

export function readTidy(context: Context, node: Node | undefined): TidyOptions {
  const map = node === undefined ? undefined : readMap(context, node, "'tidy'")
  if (map !== undefined) {
    checkKeys(context, map, TIDY_KEYS, "'tidy'")
    for (const { name, value } of map.entries) {
      const isReason =
        value.kind === 'scalar' && typeof value.value === 'string' && value.text.includes(' ')
      if (isReason || !Object.hasOwn(TIDY_KEYS, name)) continue
      context.problem(value, 'tidy-reason', `'${name}' is turned off with a reason in words`, {
        help: `${name}: the point of the scenario is what it leaves behind`,
      })
    }
  }
  const on = (name: keyof TidyOptions) => map === undefined || find(map, name) === undefined
  return { jobs: on('jobs'), exports: on('exports'), leaks: on('leaks'), check: on('check') }
}

// --- target ------------------------------------------------------------------------------------

const TARGET_KEYS: Readonly<Record<string, KeyInfo>> = {
  compat: { doc: 'Policies for deprecated input and output.' },
  drivers: { doc: 'White lists of drivers, for writing (rw) and for reading (ro).' },
  args: { doc: 'Words for the command line, by kind of target.' },
  iothreads: { doc: 'I/O threads.', built: false },
  cache: { doc: 'Cache mode.', built: false },
  aio: { doc: 'AIO engine.', built: false },
}

/** `target:`; per case, since values may be variables. */
export function readTarget(context: Context, node: Node | undefined): TargetOptions {
  const map = node === undefined ? undefined : readMap(context, node, "'target'")
  if (map === undefined) return { args: {}, compat: {} }
  checkKeys(context, map, TARGET_KEYS, "'target'")
  const args: Record<string, readonly string[]> = {}
  for (const { name, value } of entriesOf(context, map, 'args')) {
    args[name] = wordsOf(context, name, value)
  }
  const compat: Record<string, string> = {}
  for (const entry of entriesOf(context, map, 'compat')) {
    const text = readText(context, entry.value, `'${entry.name}'`)
    if (text !== undefined) compat[entry.name] = text.text
  }
  const compatEntry = find(map, 'compat')
  if (compatEntry !== undefined) context.fields.needs.infer('cli.compat', spanOf(compatEntry.key))
  const drivers = driverLists(context, map)
  return { args, compat, ...(drivers === undefined ? {} : { drivers }) }
}

const LISTS: Readonly<Record<string, KeyInfo>> = {
  rw: { doc: 'Drivers that may write.' },
  ro: { doc: 'Drivers that may be read.' },
}

function driverLists(context: Context, target: MapNode): TargetOptions['drivers'] {
  const entry = find(target, 'drivers')
  if (entry === undefined) return undefined
  context.fields.needs.infer('cli.drivers', spanOf(entry.key))
  const map = readMap(context, entry.value, "'drivers'")
  if (map === undefined) return undefined
  checkKeys(context, map, LISTS, "'drivers'")
  const list = (name: string): readonly string[] => {
    const value = find(map, name)?.value
    return value === undefined ? [] : wordsOf(context, name, value)
  }
  return { rw: list('rw'), ro: list('ro') }
}

function wordsOf(context: Context, name: string, value: Node): readonly string[] {
  const list = readList(context, value, `'${name}'`)
  return list?.items.flatMap((item) => readText(context, item, 'a word')?.text ?? []) ?? []
}

function entriesOf(context: Context, map: MapNode, name: string) {
  const value = find(map, name)?.value
  return (value === undefined ? undefined : readMap(context, value, `'${name}'`))?.entries ?? []
}
