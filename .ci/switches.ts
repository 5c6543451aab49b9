/**
 * Proves that the scenarios of profile `note` notice every switch in which it differs from `qemu`:
 * for each clause that names a switch, the engine is played with that one switch as in `qemu`, and a
 * claim of a scenario of the clause must fail.
 *
 *   npm run switches [CLAUSE…]      prints a line per switch and clause, then the count
 */
import { join } from 'node:path'
import { PROFILES, switchesBetween } from '../engine/index.ts'
import type { Suite } from '../dsl/plan.ts'
import { type Clause, loadClauses } from '../runner/clauses.ts'
import type { CaseEnd, Failure } from '../runner/report/event.ts'
import { selectAll, type Selected } from '../runner/selected.ts'
import { runSuite } from '../runner/suite.ts'
import { parseTargetSpec } from '../runner/targets/index.ts'
import { compile, readTexts, SCENARIOS } from './scenarios.ts'

/** What makes a reader expect a switch: the sentence says what holds in which profile. */
const TELLS_APART = /\((note|qemu)\b/

/** Codes of failures that are no claim of the scenario's: what a failed claim may bring about. */
const NO_CLAIMS = ['step', 'variable', 'target', 'assertion', 'deadline', 'stalled', 'budget']

interface Finding {
  readonly name: string
  readonly clause: Clause
  /** The first scenario that fails, or nothing. */
  readonly noticed: string | undefined
}

const clauses = loadClauses(join(SCENARIOS, 'clauses.yaml'))
const texts = readTexts()
const suite = compile(texts, [...texts.keys()])
if (typeof suite === 'string') throw new Error(suite)

const wanted = process.argv.slice(2)
const chosen = [...clauses.values()].filter(({ id }) => wanted.length === 0 || wanted.includes(id))
const problems = wanted.length === 0 ? inTable() : []
const findings: Finding[] = []
for (const name of switchesBetween(PROFILES.note, PROFILES.qemu)) {
  const about = chosen.filter(({ switches }) => switches.includes(name))
  if (about.length > 0) findings.push(...(await findingsOf(name, about, suite)))
}
for (const { name, clause, noticed } of findings) {
  const { apart } = clause
  const words = noticed ?? (apart === undefined ? 'NOT NOTICED' : `not noticed: ${apart}`)
  console.log(`${name.padEnd(28)} ${clause.id.padEnd(8)} ${words}`)
  if (noticed === undefined && apart === undefined) problems.push(`${clause.id}: ${name}`)
  // A reason that has gone must not hide the next one.
  if (noticed !== undefined && apart !== undefined) {
    problems.push(`${clause.id}: 'apart' says why ${name} is not noticed, and it is`)
  }
}
for (const problem of problems) console.log(`wrong: ${problem}`)
const noticed = findings.filter((one) => one.noticed !== undefined).length
console.log(
  `${findings.length} pairs of switch and clause, ${noticed} noticed, ${problems.length} wrong`,
)
process.exitCode = problems.length === 0 ? 0 : 1

/** What is wrong before anything is played: the table of clauses and the switches do not fit. */
function inTable(): string[] {
  const all = [...clauses.values()]
  const named = new Set(all.flatMap(({ switches }) => switches))
  const between: readonly string[] = switchesBetween(PROFILES.note, PROFILES.qemu)
  return [
    ...between.filter((name) => !named.has(name)).map((name) => `no clause names ${name}`),
    ...[...named].filter((name) => !between.includes(name)).map((name) => `no switch ${name}`),
    ...all
      .filter(({ sentence, switches, apart, profiles }) => {
        const silent = switches.length === 0 && apart === undefined
        return TELLS_APART.test(sentence) && silent && profiles.includes('note')
      })
      .map(({ id }) => `${id} tells note and qemu apart and names no switch`),
  ]
}

/** Plays what the clauses need once, and asks each clause what became of its own scenarios. */
async function findingsOf(
  name: string,
  about: readonly Clause[],
  { scenarios, sources }: Suite,
): Promise<readonly Finding[]> {
  const ids = new Set(about.map(({ id }) => id))
  const cases = selectAll({ scenarios, sources }).filter(
    ({ scenario, profile }) => profile === 'note' && clausesOf(scenario).some((id) => ids.has(id)),
  )
  const ends = await play(name, cases)
  return about.map((clause) => {
    const own = ends.filter((end) => end.clauses.includes(clause.id))
    const failed = own.find((end) => end.failures.some((one) => speaksOf(one, clause)))
    return { name, clause, noticed: failed?.scenario }
  })
}

function clausesOf({ spec, refuses }: Selected['scenario']): readonly string[] {
  return [...spec, ...refuses].map(({ id }) => id)
}

/** A claim of a step that names a clause speaks of that one alone. */
function speaksOf({ code, clause }: Failure, { id }: Clause): boolean {
  return !NO_CLAIMS.includes(code) && (clause === undefined || clause === id)
}

async function play(name: string, cases: readonly Selected[]): Promise<readonly CaseEnd[]> {
  const ends: CaseEnd[] = []
  await runSuite({
    cases,
    target: parseTargetSpec(`engine:${name}=qemu`),
    jobs: 1,
    seed: 1,
    timeoutScale: 1,
    golden: { mode: 'off', root: join(SCENARIOS, '..', 'golden') },
    keep: 'none',
    // What the changed engine lacks is asked for, so that its absence is seen.
    asks: () => true,
    onEvent: (event) => {
      if (event.event === 'case-end') ends.push(event)
    },
  })
  return ends
}
