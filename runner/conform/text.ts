/** The matrix as text: one line a clause, then the counts, the deaths and the reasons. Pure. */
import { printable } from '../report/paint.ts'
import { type Cell, type Column, type Matrix, STATES, type State } from './judge.ts'
import { deathsOf, otherwiseOf, remarksOf } from './remarks.ts'
import { countOf, OTHERWISE, WORDS } from './words.ts'

/** What ends a target is written large. */
const LARGE: ReadonlySet<State> = new Set(['crashes', 'hangs', 'error'])

function wordOf(state: State): string {
  const { word } = WORDS[state]
  return LARGE.has(state) ? word.toUpperCase() : word
}

/** Reasons of one clause that are spelled out; the others are counted. */
const MOST_LINES = 4

const GAP = '  '

export function renderText(matrix: Matrix): string {
  return printable(
    [
      'Conformance, clause by clause',
      '',
      ...legend(matrix),
      '',
      ...table(matrix),
      '',
      ...deaths(matrix),
      ...remarks(matrix),
      ...otherwise(matrix),
    ]
      .join('\n')
      .trimEnd(),
  ).concat('\n')
}

function legend({ columns }: Matrix): readonly string[] {
  const states = STATES.map((state) => `  ${wordOf(state).padEnd(8)} ${WORDS[state].meaning}`)
  return [
    'A column is a target held against one profile: against what QEMU 7.2 does (qemu), or against what',
    'the design note asks for (note). A target without profiles plays the scenarios of both as it is;',
    'those of a profile that it has not are judged by their inline claims alone.',
    '',
    ...states,
    `  ${'ok ~2'.padEnd(8)} ${OTHERWISE}`,
    '',
    ...columns.map(({ name, foreign }, at) => {
      const level = foreign ? 'claims' : 'claims and transcripts'
      return `  ${letter(at)}  ${name}, by ${level}`
    }),
  ]
}

function letter(at: number): string {
  return String.fromCharCode(65 + at)
}

function table({ columns, sections, totals }: Matrix): readonly string[] {
  const body = sections.map(({ title, rows }) => ({
    title,
    rows: rows.map(({ clause, cells }) => ({
      head: [clause.id, clause.level],
      cells: cells.map(showCell),
      sentence: clause.sentence,
    })),
  }))
  const counts = STATES.filter((state) => totals.some((total) => total[state] > 0)).map(
    (state) => ({
      head: [wordOf(state), ''],
      cells: totals.map((total) => String(total[state])),
      sentence: WORDS[state].meaning,
    }),
  )
  const heads = columns.map(headLines)
  const all = [...body.flatMap(({ rows }) => rows), ...counts]
  const widths = columns.map((_column, at) =>
    Math.max(
      ...(heads[at] ?? []).map(({ length }) => length),
      ...all.map(({ cells }) => cells[at]?.length ?? 0),
    ),
  )
  const first = Math.max(...all.map(({ head }) => head[0]?.length ?? 0))
  const line = (head: readonly string[], cells: readonly string[], sentence: string): string =>
    [
      (head[0] ?? '').padEnd(first),
      (head[1] ?? '').padEnd('should'.length),
      ...cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)),
      sentence,
    ]
      .join(GAP)
      .trimEnd()
  return [
    ...[0, 1, 2, 3].map((part) =>
      line(
        [],
        heads.map((parts) => parts[part] ?? ''),
        '',
      ),
    ),
    ...body.flatMap(({ title, rows }) => [
      '',
      title,
      ...rows.map(({ head, cells, sentence }) => line(head, cells, sentence)),
    ]),
    '',
    'Clauses, counted',
    ...counts.map(({ head, cells, sentence }) => line(head, cells, sentence)),
  ]
}

/** `A`, `qsd`, `7.2.22`, `@note`. */
function headLines({ label, profile }: Column, at: number): readonly string[] {
  const [kind = '', ...version] = label.split(' ')
  return [letter(at), kind, version.join(' '), `@${profile}`]
}

function showCell(cell: Cell): string {
  return `${wordOf(cell.state)} ${countOf(cell)}`.trimEnd()
}

function deaths(matrix: Matrix): readonly string[] {
  const found = deathsOf(matrix)
  if (found.length === 0) return []
  return [
    'Inputs that end a target',
    ...found.flatMap(({ name, clauses, how }) => [
      '',
      `${name}  ${clauses.join(' ')}`,
      ...how.map(({ how: text, targets }) => `  ${text}: ${targets.join(', ')}`),
    ]),
    '',
  ]
}

function remarks(matrix: Matrix): readonly string[] {
  const lines = matrix.sections.flatMap(({ rows }) =>
    rows.flatMap((row) => {
      const found = remarksOf(row, matrix)
      if (found.length === 0) return []
      return [
        '',
        `${row.clause.id}  ${row.clause.sentence}`,
        ...found.flatMap(({ columns, state, lines: told }) => [
          `  ${wordOf(state)}: ${columns.join(', ')}`,
          ...told.slice(0, MOST_LINES).map((text) => `    ${text}`),
          ...(told.length > MOST_LINES
            ? [`    and ${String(told.length - MOST_LINES)} cases more`]
            : []),
        ]),
      ]
    }),
  )
  return lines.length === 0 ? [] : ['What is not as the clauses say', ...lines, '']
}

function otherwise(matrix: Matrix): readonly string[] {
  const found = otherwiseOf(matrix)
  if (found.length === 0) return []
  return [
    'Transcripts that are others than the goldens although all claims hold, by reason',
    ...found.flatMap(({ column, reasons }) => [
      '',
      column,
      ...reasons.map(({ why, cases }) => `  ${String(cases.length).padStart(4)}  ${why}`),
    ]),
  ]
}
