/** What the keys of the language are about, from the tables that check them: for `explain`. */
import type { KeyInfo } from './check.ts'
import { NODE_KEYS, SCENARIO_KEYS } from './header.ts'
import { COMMON_KEYS } from './steps.ts'
import type { StepKinds } from './steps/kind.ts'
import { StepTable } from './steps/table.ts'

type Table = Readonly<Record<string, KeyInfo>>

function placesOf({ steps, attributes }: StepTable): readonly (readonly [string, Table])[] {
  const forms = { ...steps, ...attributes }
  const beside = Object.assign({}, ...Object.values(forms).map(({ keys }) => keys)) as Table
  return [
    ['scenario key', SCENARIO_KEYS],
    ['node key', NODE_KEYS],
    ['step', forms],
    ['key of every step', COMMON_KEYS],
    ['key of a step', beside],
  ]
}

/** A line for each place at which the key means something; empty for what is no key. */
export function explainKey(name: string, kinds: StepKinds): readonly string[] {
  const table = new StepTable(kinds)
  if (table.notBuilt.includes(name)) return ['step: not built yet']
  return placesOf(table).flatMap(([place, keys]) => {
    const info = Object.hasOwn(keys, name) ? keys[name] : undefined
    if (info === undefined) return []
    return [`${place}: ${info.doc}${info.built === false ? ' Not built yet.' : ''}`]
  })
}

export function keyNames(kinds: StepKinds): readonly string[] {
  return [...new Set(placesOf(new StepTable(kinds)).flatMap(([, keys]) => Object.keys(keys)))]
}
