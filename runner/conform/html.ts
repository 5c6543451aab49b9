/** The matrix as one page that needs nothing else: no script, no outside resource. Pure. */
import { showRow } from './html-row.ts'
import { STYLE } from './html-style.ts'
import { type Column, type Matrix, STATES, type State } from './judge.ts'
import { html, Markup, NOTHING } from './markup.ts'
import { deathsOf, otherwiseOf } from './remarks.ts'
import { OTHERWISE, WORDS } from './words.ts'

/** Nothing may be loaded, and nothing may run. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** What a profile is, above the columns that are held against it. */
const AGAINST: Readonly<Record<string, string>> = {
  qemu: 'What QEMU 7.2 does',
  note: 'What the design note asks for',
  'note-transition': 'The way to what the note asks for',
}

export function renderHtml(matrix: Matrix): string {
  const { columns, sections } = matrix
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <title>Conformance, clause by clause</title>
        <style>
          ${new Markup(STYLE + gaps(columns))}
        </style>
      </head>
      <body>
        <h1>Conformance, clause by clause</h1>
        <p>
          Each column is a target held against one profile: against what QEMU 7.2 does (qemu), or
          against what the design note asks for (note). A target without profiles plays the
          scenarios of both as it is; those of a profile that it has not are judged by their inline
          claims alone.
        </p>
        ${showTotals(matrix)} ${showLegend(matrix)}
        <fieldset class="show">
          <legend class="soft">Show</legend>
          <label><input type="radio" name="show" id="show-all" checked /> all clauses</label>
          <label
            ><input type="radio" name="show" id="show-differences" /> where a target differs</label
          >
          <label><input type="radio" name="show" id="show-ends" /> what ends a target</label>
          <label><input type="radio" name="show" id="show-holes" /> without a scenario</label>
        </fieldset>
        ${showLinks(matrix)}
        <div class="table">
          <div class="wide">
            ${showHead(columns)}
            ${sections.map(
              ({ title, rows }) =>
                html`<section class="matrix">
                  <h2>${title}</h2>
                  ${rows.map((row) => showRow(row, matrix))}
                </section> `,
            )}
          </div>
        </div>
        ${showDeaths(matrix)} ${showOtherwise(matrix)}
      </body>
    </html> `
  return page.text
}

/** Columns of one profile stand together. */
function groupsOf(columns: readonly Column[]): readonly (readonly Column[])[] {
  const profiles = new Set(columns.map(({ profile }) => profile))
  return [...profiles].map((wanted) => columns.filter(({ profile }) => profile === wanted))
}

/** Room for the columns, and some between those of two profiles. */
function gaps(columns: readonly Column[]): string {
  const starts = columns.flatMap(({ profile }, at) => {
    const before = columns[at - 1]?.profile
    // Before the cells stand the id and the sentence.
    return before === undefined || before === profile ? [] : [at + 3]
  })
  const rules = starts.map(
    (at) => `.grid > .cell:nth-child(${String(at)}) { margin-left: .6rem; }\n`,
  )
  // Where all of it is in sight the heads stay so, which they cannot in what scrolls sideways.
  const roomRem = 34 + columns.length * 5.9
  const heads = `@media (min-width: ${roomRem.toFixed(1)}rem) { .table { overflow-x: visible; } }\n`
  return [`:root { --columns: ${String(columns.length)}; }\n`, heads, ...rules].join('')
}

function showHead(columns: readonly Column[]): Markup {
  const groups = groupsOf(columns).map(
    ([first, ...rest]) =>
      html`<span class="group" style="grid-column: span ${rest.length + 1}"
        >${AGAINST[first?.profile ?? ''] ?? ''}</span
      >`,
  )
  const heads = columns.map(({ label, profile }) => {
    const [kind = '', ...version] = label.split(' ')
    return html`<span
      ><b>${kind}</b>${version.join(' ')}<br /><span class="soft">@${profile}</span></span
    >`
  })
  return html`<div class="grid head">
    <span></span><span></span>${groups}<span></span><span></span>${heads}
  </div>`
}

/** States that say something of a target, as shares of a bar. */
const COUNTED = STATES.filter((state) => state !== 'silent' && state !== 'by-test')

function showTotals({ columns, totals }: Matrix): Markup {
  const bars = groupsOf(columns).map((group) => {
    const lines = group.map((column) => showTotal(column, totals[columns.indexOf(column)]))
    return html`<div>
      <h2>${AGAINST[group[0]?.profile ?? ''] ?? ''}</h2>
      ${lines}
    </div>`
  })
  return html`<div class="totals">${bars}</div>`
}

function showTotal(column: Column, total: Readonly<Record<State, number>> | undefined): Markup {
  if (total === undefined) return NOTHING
  const shares = COUNTED.filter((state) => total[state] > 0).map(
    (state) =>
      html`<i
        class="${state}"
        style="flex: ${total[state]} 0 0"
        title="${WORDS[state].word}: ${total[state]}"
        >${total[state]}</i
      >`,
  )
  const seen = COUNTED.filter((state) => state !== 'unseen' && state !== 'not-applicable')
  const played = seen.reduce((sum, state) => sum + total[state], 0)
  return html`<div class="total">
    <b>${column.label}</b><span class="bar">${shares}</span
    ><span>${total.conforms} of ${played} ok</span>
  </div>`
}

function showLegend({ totals }: Matrix): Markup {
  const used = STATES.filter((state) => totals.some((total) => total[state] > 0)).map(
    (state) =>
      html`<span
        ><span class="cell ${state}">${WORDS[state].word}</span>${WORDS[state].meaning}</span
      >`,
  )
  return html`<div class="legend">
    ${used}<span><span class="cell conforms">ok ~2</span>${OTHERWISE}</span>
  </div>`
}

const ENDS = 'Inputs that end a target'
const OTHERS = 'Transcripts that are others than the goldens although all claims hold'

/** What stands below the table, which is long. */
function showLinks(matrix: Matrix): Markup {
  const deaths = deathsOf(matrix).length
  const links = [
    deaths === 0 ? NOTHING : html`<a href="#ends">${ENDS}: ${deaths}</a><br />`,
    otherwiseOf(matrix).length === 0 ? NOTHING : html`<a href="#otherwise">${OTHERS}</a>`,
  ]
  return html`<p>${links}</p>`
}

function showDeaths(matrix: Matrix): Markup {
  const found = deathsOf(matrix)
  if (found.length === 0) return NOTHING
  const rows = found.map(({ name, title, clauses, how }) => {
    const links = clauses.map((id) => html`<a href="#${id}">${id}</a> `)
    const ways = how.map(
      ({ how: text, targets }) =>
        html`<div><b>${text}</b> <span class="soft">${targets.join(', ')}</span></div>`,
    )
    return html`<tr>
      <td>${links}</td>
      <td><code>${name}</code><br /><span class="soft">${title}</span></td>
      <td>${ways}</td>
    </tr> `
  })
  return html`<h2 id="ends">${ENDS}</h2>
    <table>
      <thead>
        <tr>
          <th>Clause</th>
          <th>Scenario</th>
          <th>How, and which targets</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`
}

function showOtherwise(matrix: Matrix): Markup {
  const found = otherwiseOf(matrix)
  if (found.length === 0) return NOTHING
  const tables = found.map(({ column, reasons }) => {
    const rows = reasons.map(
      ({ why, cases }) =>
        html`<tr>
          <td>${cases.length}</td>
          <td>${why}</td>
          <td>
            <details>
              <summary>cases</summary>
              ${cases.map((id) => html`<code>${id}</code><br />`)}
            </details>
          </td>
        </tr> `,
    )
    return html`<h3>${column}</h3>
      <table>
        <tbody>
          ${rows}
        </tbody>
      </table>`
  })
  return html`<h2 id="otherwise">${OTHERS}</h2>
    ${tables}`
}
