/** One clause on the page: its line of cells, and behind it the scenarios, failures and reasons. Pure. */
import type { Failure, KnownDifference } from '../report/event.ts'
import type { Cell, CellCase, Matrix, Row, State } from './judge.ts'
import { html, type Markup, NOTHING } from './markup.ts'
import { failuresOf, type Outcome } from './outcome.ts'
import { countOf, WORDS } from './words.ts'

/** Failures of a case that are spelled out; the others are counted. */
const MOST_FAILURES = 5

const ENDS: ReadonlySet<State> = new Set(['crashes', 'hangs'])
const DIFFERENCES: ReadonlySet<State> = new Set(['in-part', 'differs', 'error', ...ENDS])

export function showRow(row: Row, matrix: Matrix): Markup {
  const { clause, cells } = row
  const has = (states: ReadonlySet<State>): boolean => cells.some(({ state }) => states.has(state))
  const classes = [
    'row',
    clause.level,
    has(DIFFERENCES) ? '' : 'even',
    has(ENDS) ? 'ends' : '',
    has(new Set(['unseen'])) ? 'hole' : '',
  ]
  return html`<details class="${classes.filter((name) => name !== '').join(' ')}" id="${clause.id}">
    <summary class="grid">
      <span class="id">${clause.id}</span><span>${clause.sentence}</span>${cells.map((cell, at) =>
        showCell(cell, matrix.columns[at]?.name ?? ''),
      )}
    </summary>
    <div class="body">${showScenarios(row, matrix)}${showWhy(row, matrix)}${showAbout(row)}</div>
  </details> `
}

function showCell(cell: Cell, column: string): Markup {
  const { word, meaning } = WORDS[cell.state]
  const shown = [word, countOf(cell)].filter((text) => text !== '').join(' ')
  return html`<span class="cell ${cell.state}" title="${column}: ${meaning}">${shown}</span>`
}

/** The scenarios about a clause, under the columns of the matrix. */
function showScenarios({ cells }: Row, { columns }: Matrix): readonly Markup[] {
  const titles = new Map(
    cells.flatMap(({ cases }) =>
      cases.map(({ outcome }) => [outcome.scenario, outcome.title] as const),
    ),
  )
  return [...titles].map(([scenario, title]) => {
    const shown = cells.map(({ cases }, at) => {
      const own = cases.filter(({ outcome }) => outcome.scenario === scenario)
      return showCases(own, columns[at]?.name ?? '')
    })
    return html`<div class="grid">
      <span></span><span><code>${scenario}</code> <span class="soft">${title}</span></span
      >${shown}
    </div> `
  })
}

const MARKS = {
  holds: { word: 'ok', state: 'conforms' },
  differs: { word: 'differs', state: 'differs' },
  crashes: { word: 'crashes', state: 'crashes' },
  hangs: { word: 'hangs', state: 'hangs' },
  error: { word: 'error', state: 'error' },
  'not-applicable': { word: 'n/a', state: 'not-applicable' },
} as const satisfies Record<CellCase['contract'], { word: string; state: State }>

const WORST_FIRST = ['error', 'crashes', 'hangs', 'differs', 'holds', 'not-applicable'] as const

function showCases(cases: readonly CellCase[], column: string): Markup {
  const worst = WORST_FIRST.find((one) => cases.some(({ contract }) => contract === one))
  if (worst === undefined) return html`<span class="cell"></span>`
  const { word, state } = MARKS[worst]
  const number = cases.filter(({ contract }) => contract === worst).length
  const shown =
    cases.length === 1
      ? word
      : number === cases.length
        ? `${word} \u00d7${String(number)}`
        : `${word} ${String(number)}/${String(cases.length)}`
  return html`<span class="cell ${state}" title="${column}">${shown}</span>`
}

function showAbout({ clause }: Row): Markup {
  const test = clause.seenBy === undefined ? '' : ` Seen by the test: ${clause.seenBy}.`
  return html`<p class="why soft">
    A clause that ${clause.level} hold, in ${clause.profiles.join(', ')}.${test}
  </p>`
}

/** What is not as claimed or not as recorded; columns that have the same to show share it. */
function showWhy({ clause, cells }: Row, { columns }: Matrix): readonly Markup[] {
  const groups = new Map<string, { names: string[]; cell: Cell; shown: readonly Markup[] }>()
  cells.forEach((cell, at) => {
    const shown = cell.cases.map((one) => showCase(one, clause.id)).filter((one) => one !== NOTHING)
    if (shown.length === 0) return
    const key = [cell.state, ...shown.map(({ text }) => text)].join('\n')
    const group = groups.get(key) ?? { names: [], cell, shown }
    group.names.push(columns[at]?.name ?? '')
    groups.set(key, group)
  })
  return [...groups.values()].map(
    ({ names, cell, shown }) =>
      html`<div class="why">
        <h3>
          <span class="cell ${cell.state}">${WORDS[cell.state].word}</span>${names.join(', ')}
        </h3>
        <ul>
          ${shown}
        </ul>
      </div> `,
  )
}

function showCase({ outcome, contract }: CellCase, clause: string): Markup {
  switch (contract) {
    case 'holds':
      return outcome.transcript === 'known' || outcome.transcript === 'other'
        ? html`<li>
            <code>${outcome.id}</code> the claims hold, the transcript is
            another${showKnown(outcome)}
          </li>`
        : NOTHING
    case 'not-applicable':
      return html`<li><code>${outcome.id}</code> ${outcome.reason ?? ''}</li>`
    case 'crashes':
    case 'hangs':
      return html`<li>
        <code>${outcome.id}</code>
        <b>${outcome.death ?? 'took too long'}</b>${showReasons(outcome.known)}
      </li>`
    case 'differs':
    case 'error': {
      const failures = failuresOf(outcome, clause)
      const rest = failures.length - MOST_FAILURES
      return html`<li>
        <code>${outcome.id}</code>${failures.slice(0, MOST_FAILURES).map(showFailure)}${
          rest > 0 ? html`<p class="soft">and ${rest} more</p>` : NOTHING
        }${showKnown(outcome)}
      </li>`
    }
  }
}

function showFailure({ message, excerpt, place, phase }: Failure): Markup {
  const where = [phase, place === undefined ? '' : `line ${String(place.line)}`].filter(
    (text) => text !== '',
  )
  return html`<div>
    ${message.split('\n', 1)[0] ?? ''} <span class="soft">${where.join(', ')}</span>${
      excerpt === undefined ? NOTHING : html`<pre>${excerpt}</pre>`
    }
  </div>`
}

function showReasons(known: readonly KnownDifference[]): Markup {
  const reasons = [...new Set(known.map(({ why }) => why))]
  return reasons.length === 0 ? NOTHING : html`<br />${reasons.join('; ')}`
}

/** The differing lines with their reason, as pinned; or those that nobody pinned. */
function showKnown({ known, diff }: Outcome): Markup {
  const pinned = known.map(
    ({ why, owner, link, expect }) =>
      html`<div>
        ${why} <span class="soft">(${owner}${link === undefined ? '' : `, ${link}`})</span>${
          expect === undefined ? NOTHING : showDiff('the differing lines', expect)
        }
      </div>`,
  )
  return html`${pinned}${diff === undefined ? NOTHING : showDiff('differing lines that no entry knows', diff)}`
}

function showDiff(title: string, diff: string): Markup {
  const lines = diff.trimEnd().split('\n').map(showDiffLine)
  return html`<details>
    <summary>${title}</summary>
    <pre>${lines}</pre>
  </details>`
}

function showDiffLine(line: string): Markup {
  if (line.startsWith('-')) return html`<del>${line}</del> `
  if (line.startsWith('+')) return html`<ins>${line}</ins> `
  return html`${line} `
}
