/** Which clauses the scenarios show and refuse, and what each clause still needs. Pure. */
import type { Profile, Scenario } from '../../dsl/plan.ts'
import type { Clause } from '../clauses.ts'
import { clausesWithEffects } from './effects.ts'

/** One clause in one profile. */
export interface CoverageRow {
  readonly clause: Clause
  readonly profile: string
  /** Ids of the scenarios that show it. */
  readonly shown: readonly string[]
  /** Ids of the scenarios that show what it forbids. */
  readonly refused: readonly string[]
  /** What it should have and has not. */
  readonly missing: readonly Lack[]
}

/** `effect`: a claim about what is there after a command, and not only about a reply. */
export type Lack = 'shown' | 'refused' | 'effect'

export interface CoverageOptions {
  /** Empty: all. */
  readonly profiles: readonly Profile[]
  /** Whether a clause is asked about. */
  readonly wants: (id: string) => boolean
  /** Only what at least one scenario names. */
  readonly built: boolean
  /** Whether a scenario counts in a profile; false for what did not pass. */
  readonly counts: (scenario: string, profile: string) => boolean
}

export function coverageRows(
  clauses: Iterable<Clause>,
  scenarios: readonly Scenario[],
  options: CoverageOptions,
): readonly CoverageRow[] {
  const shown = index(scenarios, ({ spec }) => spec, options)
  const refused = index(scenarios, ({ refuses }) => refuses, options)
  const effects = index(scenarios, effectsOf, options)
  const rows: CoverageRow[] = []
  for (const clause of clauses) {
    if (!options.wants(clause.id)) continue
    for (const profile of clause.profiles) {
      if (options.profiles.length > 0 && !options.profiles.some((one) => one === profile)) continue
      const key = `${clause.id} ${profile}`
      const row = {
        clause,
        profile,
        shown: shown.get(key) ?? [],
        refused: refused.get(key) ?? [],
      }
      if (options.built && row.shown.length + row.refused.length === 0) continue
      rows.push({ ...row, missing: missing(row, effects.has(key)) })
    }
  }
  return rows
}

/** Ids of scenarios by `CLAUSE PROFILE`. */
function index(
  scenarios: readonly Scenario[],
  refs: (scenario: Scenario) => readonly { readonly id: string }[],
  { counts }: CoverageOptions,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const scenario of scenarios) {
    for (const profile of scenario.profiles) {
      if (!counts(scenario.id, profile)) continue
      for (const { id } of refs(scenario)) {
        const key = `${id} ${profile}`
        const ids = found.get(key) ?? []
        if (!ids.includes(scenario.id)) ids.push(scenario.id)
        found.set(key, ids)
      }
    }
  }
  return found
}

function effectsOf(scenario: Scenario): readonly { readonly id: string }[] {
  return [...clausesWithEffects(scenario)].map((id) => ({ id }))
}

/**
 * A clause that must hold is shown, and refused where something can be refused; one that should
 * hold is shown; one that may hold, or that only a test can see, needs no scenario. Where a switch
 * makes profile `note` differ, what is there afterwards is claimed too, whatever the level.
 */
function missing(row: Omit<CoverageRow, 'missing'>, hasEffect: boolean): readonly Lack[] {
  const { clause, profile } = row
  const needsEffect = profile === 'note' && clause.switches.length > 0
  const effect = needsEffect && !hasEffect ? (['effect'] as const) : []
  if (clause.seenBy !== undefined || !['must', 'should'].includes(clause.level)) return effect
  const needsRefusal = clause.level === 'must' && clause.refused
  return [
    ...(row.shown.length === 0 ? (['shown'] as const) : []),
    ...(needsRefusal && row.refused.length === 0 ? (['refused'] as const) : []),
    ...effect,
  ]
}
