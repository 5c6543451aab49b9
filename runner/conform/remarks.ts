/** What there is to say about a matrix beside its cells: why, where, and what ends a target. Pure. */
import { firstLine } from '../report/reporter.ts'
import type { CellCase, Matrix, Row, State } from './judge.ts'
import { failuresOf, type Outcome } from './outcome.ts'

/** The same said of one clause in several columns. */
export interface Remark {
  readonly columns: readonly string[]
  readonly state: State
  /** A line each, in the order of the suite. */
  readonly lines: readonly string[]
}

/** States of a cell that need no explanation. */
const PLAIN: ReadonlySet<State> = new Set(['conforms', 'by-test', 'unseen', 'silent'])

/**
 * Remarks of a row, deaths set aside; columns that have the same to say share one.
 */
export function remarksOf(row: Row, { columns }: Matrix): readonly Remark[] {
  const remarks = new Map<string, { columns: string[]; state: State; lines: readonly string[] }>()
  row.cells.forEach((cell, at) => {
    const lines = linesOf(cell.cases, row.clause.id)
    if (PLAIN.has(cell.state) || lines.length === 0) return
    const key = [cell.state, ...lines].join('\n')
    const known = remarks.get(key) ?? { columns: [], state: cell.state, lines }
    known.columns.push(columns[at]?.name ?? '')
    remarks.set(key, known)
  })
  return [...remarks.values()]
}

/** A line for each reason of each scenario: its cases mostly differ for one. */
function linesOf(cases: readonly CellCase[], clause: string): readonly string[] {
  const reasons = new Map<string, { ids: string[]; scenario: string; text: string }>()
  for (const one of cases) {
    const text = reasonOf(one, clause)
    if (text === undefined) continue
    const { id, scenario } = one.outcome
    const known = reasons.get(`${scenario} ${text}`) ?? { ids: [], scenario, text }
    known.ids.push(id)
    reasons.set(`${scenario} ${text}`, known)
  }
  return [...reasons.values()].map(
    ({ ids, scenario, text }) => `${nameCases(scenario, ids)}${text}`,
  )
}

function nameCases(scenario: string, ids: readonly string[]): string {
  return ids.length === 1 ? (ids[0] ?? scenario) : `${scenario} (${String(ids.length)} cases)`
}

/** Why a case does not hold; nothing where it does, or where the target ended. */
function reasonOf({ outcome, contract }: CellCase, clause: string): string | undefined {
  switch (contract) {
    case 'holds':
    case 'crashes':
    case 'hangs':
      return undefined
    case 'not-applicable':
      return `: ${outcome.reason ?? 'not applicable'}`
    case 'error':
    case 'differs': {
      const why = [...new Set(outcome.known.map((one) => one.why))].map((text) => ` (${text})`)
      const [first, ...rest] = failuresOf(outcome, clause)
      if (first === undefined) return why.join('')
      const line = first.place === undefined ? '' : `:${String(first.place.line)}`
      const more = rest.length > 0 ? `, and ${String(rest.length)} more` : ''
      return `${line}: ${firstLine(first.message)}${more}${why.join('')}`
    }
  }
}

/** Inputs of one scenario that ended at least one target. */
export interface Death {
  /** The case, or the scenario and the number of its cases. */
  readonly name: string
  readonly title: string
  readonly clauses: readonly string[]
  /** How, and the labels of the targets that they ended so. */
  readonly how: readonly { readonly how: string; readonly targets: readonly string[] }[]
}

interface CaseDeath {
  readonly outcome: Outcome
  readonly clauses: Set<string>
  readonly how: Map<string, Set<string>>
}

/** In the order of the clauses that they are about; cases that end alike are one. */
export function deathsOf(matrix: Matrix): readonly Death[] {
  const alike = new Map<string, { ids: string[]; scenario: string; death: Death }>()
  for (const [id, { outcome, clauses, how }] of deathsByCase(matrix)) {
    const { scenario, title } = outcome
    const death = {
      name: id,
      title,
      clauses: [...clauses],
      how: [...how].map(([text, targets]) => ({ how: text, targets: [...targets] })),
    }
    const key = JSON.stringify([scenario, death.clauses, death.how])
    const known = alike.get(key) ?? { ids: [], scenario, death }
    known.ids.push(id)
    alike.set(key, known)
  }
  return [...alike.values()].map(({ ids, scenario, death }) => ({
    ...death,
    name: nameCases(scenario, ids),
  }))
}

function deathsByCase(matrix: Matrix): ReadonlyMap<string, CaseDeath> {
  const deaths = new Map<string, CaseDeath>()
  for (const { clause, cells } of matrix.sections.flatMap(({ rows }) => rows)) {
    cells.forEach(({ cases }, at) => {
      const label = matrix.columns[at]?.label ?? ''
      for (const { outcome, contract } of cases) {
        if (contract !== 'crashes' && contract !== 'hangs') continue
        const known: CaseDeath = deaths.get(outcome.id) ?? {
          outcome,
          clauses: new Set(),
          how: new Map(),
        }
        known.clauses.add(clause.id)
        const how = outcome.death ?? 'took too long'
        known.how.set(how, (known.how.get(how) ?? new Set()).add(label))
        deaths.set(outcome.id, known)
      }
    })
  }
  return deaths
}

/** Why transcripts of a target are others than the goldens although all claims hold. */
export interface Otherwise {
  readonly column: string
  readonly reasons: readonly { readonly why: string; readonly cases: readonly string[] }[]
}

export function otherwiseOf({ columns }: Matrix): readonly Otherwise[] {
  return columns.flatMap(({ name, outcomes }) => {
    const reasons = new Map<string, string[]>()
    for (const { id, transcript, contract, known } of outcomes.values()) {
      if (contract !== 'holds' || (transcript !== 'known' && transcript !== 'other')) continue
      const whys = transcript === 'other' ? ['not known'] : known.map(({ why }) => why)
      for (const why of new Set(whys)) reasons.set(why, [...(reasons.get(why) ?? []), id])
    }
    if (reasons.size === 0) return []
    const listed = [...reasons].map(([why, cases]) => ({ why, cases }))
    return [{ column: name, reasons: listed.sort((a, b) => order(a.why, b.why)) }]
  })
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
