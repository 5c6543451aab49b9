/** The matrix as one JSON document: nothing in it depends on when or where it was made. Pure. */
import type { Cell, CellCase, Matrix } from './judge.ts'
import { deathsOf, otherwiseOf } from './remarks.ts'
import { failuresOf } from './outcome.ts'

export function renderJson(matrix: Matrix): string {
  const { columns, sections, totals } = matrix
  const document = {
    format: 1,
    columns: columns.map(({ name, label, profile, foreign }, at) => ({
      name,
      target: label,
      profile,
      levels: foreign ? ['contract'] : ['contract', 'transcript'],
      totals: totals[at],
    })),
    sections: sections.map(({ title, rows }) => ({
      title,
      clauses: rows.map(({ clause, cells }) => ({
        id: clause.id,
        level: clause.level,
        profiles: clause.profiles,
        sentence: clause.sentence,
        cells: cells.map((cell, at) => describe(cell, columns[at]?.name ?? '', clause.id)),
      })),
    })),
    deaths: deathsOf(matrix),
    otherwise: otherwiseOf(matrix),
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

function describe({ state, cases }: Cell, column: string, clause: string) {
  return { column, state, cases: cases.map((one) => describeCase(one, clause)) }
}

function describeCase({ outcome, contract }: CellCase, clause: string) {
  const { id, transcript, death, reason, known, diff } = outcome
  return {
    id,
    contract,
    transcript,
    ...(death === undefined ? {} : { death }),
    ...(reason === undefined ? {} : { reason }),
    ...(contract === 'holds' ? {} : { failures: failuresOf(outcome, clause).map(describeFailure) }),
    ...(known.length === 0 ? {} : { known }),
    ...(diff === undefined ? {} : { diff }),
  }
}

function describeFailure({ message, place, phase }: ReturnType<typeof failuresOf>[number]) {
  return { message, phase, ...(place === undefined ? {} : { place }) }
}
