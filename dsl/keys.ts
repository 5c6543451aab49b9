/** What the keys of the language are about, from the tables that check them: for `explain`. */
import type { KeyInfo } from './check.ts'
import { NODE_KEYS, SCENARIO_KEYS } from './header.ts'
import { ATTRIBUTE_KINDS, KINDS_NOT_BUILT, STEP_KINDS } from './steps/index.ts'
import { COMMON_KEYS } from './steps.ts'

type Table = Readonly<Record<string, KeyInfo>>

const STEP_TABLES: Table = { ...STEP_KINDS, ...ATTRIBUTE_KINDS }
const BESIDE: Table = Object.assign(
  {},
  ...Object.values({ ...STEP_KINDS, ...ATTRIBUTE_KINDS }).map(({ keys }) => keys),
) as Table

const PLACES: readonly (readonly [string, Table])[] = [
  ['scenario key', SCENARIO_KEYS],
  ['node key', NODE_KEYS],
  ['step', STEP_TABLES],
  ['key of every step', COMMON_KEYS],
  ['key of a step', BESIDE],
]

/** A line for each place at which the key means something; empty for what is no key. */
export function explainKey(name: string): readonly string[] {
  if (KINDS_NOT_BUILT.some((kind) => kind === name)) return ['step: not built yet']
  return PLACES.flatMap(([place, table]) => {
    const info = Object.hasOwn(table, name) ? table[name] : undefined
    if (info === undefined) return []
    return [`${place}: ${info.doc}${info.built === false ? ' Not built yet.' : ''}`]
  })
}

export function keyNames(): readonly string[] {
  return [...new Set(PLACES.flatMap(([, table]) => Object.keys(table)))]
}
