/** From what the cases of a clause came to on a target to one cell, and from cells to a matrix. Pure. */
import type { Profile, Scenario } from '../../dsl/plan.ts'
import type { Clause } from '../clauses.ts'
import { contractOn, type Contract, type Outcome } from './outcome.ts'

/** Cells from best to worst, then those that say nothing of the target. */
export const STATES = [
  'conforms',
  'in-part',
  'differs',
  'hangs',
  'crashes',
  'error',
  'not-applicable',
  'by-test',
  'unseen',
  'silent',
] as const
export type State = (typeof STATES)[number]

/** One target, held against the clauses and scenarios of one profile. */
export interface Column {
  /** `qsd 7.2.22@note`. */
  readonly name: string
  /** `qsd 7.2.22`: what it is, without where it lies. */
  readonly label: string
  readonly profile: Profile
  /** The target has no such profile and was played as it is: inline claims alone judge it. */
  readonly foreign: boolean
  /** By `PROFILE CASE`; see `outcomeKey`. */
  readonly outcomes: ReadonlyMap<string, Outcome>
}

export function outcomeKey(profile: Profile, caseId: string): string {
  return `${profile} ${caseId}`
}

/** One case, as it speaks of the cell's clause. */
export interface CellCase {
  readonly outcome: Outcome
  readonly contract: Contract
}

export interface Cell {
  readonly state: State
  readonly cases: readonly CellCase[]
  /** Cases whose claims hold and whose transcripts are another than the golden. */
  readonly otherwise: number
}

export interface Row {
  readonly clause: Clause
  /** One a column. */
  readonly cells: readonly Cell[]
}

export interface Section {
  readonly title: string
  readonly rows: readonly Row[]
}

export interface Matrix {
  readonly columns: readonly Column[]
  readonly sections: readonly Section[]
  /** How many clauses have which state, one a column. */
  readonly totals: readonly Readonly<Record<State, number>>[]
}

export function judgeCell(clause: Clause, profile: Profile, outcomes: readonly Outcome[]): Cell {
  const cases = outcomes.map((outcome) => ({
    outcome,
    contract: contractOn(outcome, clause.id),
  }))
  const otherwise = cases.filter(
    ({ contract, outcome }) =>
      contract === 'holds' && (outcome.transcript === 'known' || outcome.transcript === 'other'),
  ).length
  return { state: stateOf(clause, profile, cases), cases, otherwise }
}

/** An end of the target outweighs all else; then what was seen to hold, to differ, or neither. */
function stateOf(clause: Clause, profile: Profile, cases: readonly CellCase[]): State {
  if (cases.length === 0) {
    if (!clause.profiles.includes(profile)) return 'silent'
    return clause.seenBy === undefined ? 'unseen' : 'by-test'
  }
  const has = (contract: Contract): boolean => cases.some((one) => one.contract === contract)
  for (const worst of ['error', 'crashes', 'hangs'] as const) if (has(worst)) return worst
  if (!has('holds')) return has('differs') ? 'differs' : 'not-applicable'
  return has('differs') ? 'in-part' : 'conforms'
}

/** Rows in the order of the clause table; sections in the order of their first clause. */
export function buildMatrix(
  clauses: Iterable<Clause>,
  scenarios: readonly Scenario[],
  columns: readonly Column[],
): Matrix {
  const named = scenariosByClause(scenarios)
  const sections = new Map<string, Row[]>()
  for (const clause of clauses) {
    const about = named.get(clause.id) ?? []
    const cells = columns.map((column) =>
      judgeCell(clause, column.profile, outcomesOf(about, column)),
    )
    const rows = sections.get(clause.section) ?? []
    sections.set(clause.section, [...rows, { clause, cells }])
  }
  return {
    columns,
    sections: [...sections].map(([title, rows]) => ({ title, rows })),
    totals: columns.map((_column, at) => count([...sections.values()].flat(), at)),
  }
}

function scenariosByClause(
  scenarios: readonly Scenario[],
): ReadonlyMap<string, readonly Scenario[]> {
  const named = new Map<string, Scenario[]>()
  for (const scenario of scenarios) {
    for (const id of new Set([...scenario.spec, ...scenario.refuses].map((ref) => ref.id))) {
      named.set(id, [...(named.get(id) ?? []), scenario])
    }
  }
  return named
}

function outcomesOf(scenarios: readonly Scenario[], column: Column): readonly Outcome[] {
  return scenarios
    .filter(({ profiles }) => profiles.includes(column.profile))
    .flatMap(({ cases }) =>
      cases.map(({ id }) => column.outcomes.get(outcomeKey(column.profile, id))),
    )
    .filter((outcome) => outcome !== undefined)
}

function count(rows: readonly Row[], at: number): Readonly<Record<State, number>> {
  const totals = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<State, number>
  for (const { cells } of rows) {
    const state = cells[at]?.state
    if (state !== undefined) totals[state] += 1
  }
  return totals
}
