/** `blockspec coverage`: clause by scenario by target; ends with the count. */
import { resolve } from 'node:path'
import type { Scenario } from '../../dsl/plan.ts'
import type { Clause } from '../clauses.ts'
import { coverageRows, type CoverageRow } from './coverage-table.ts'
import { many, text, toggle } from './flags.ts'
import { globTest } from './glob.ts'
import { readReport } from './report-file.ts'
import { chooseFiles } from './choose-files.ts'
import { SELECTION_FLAGS } from './selection-flags.ts'
import { load, refuseProblems } from './selection.ts'
import { CommandError, defineVerb, EXIT, type Shell } from './verb.ts'

export const coverage = defineVerb({
  name: 'coverage',
  usage: '[PATHS|IDS…]',
  doc: 'For each clause and profile: the scenarios that show it, those that refuse what it forbids, and the targets whose transcripts the goldens stand for. A clause that must hold needs both, one that should hold needs to be shown. Where switches make profile note differ, a claim about graph, permissions, bytes or events must follow a command. Exit status 6 if a selected clause lacks something.',
  examples: [
    "blockspec coverage --clause 'QUO-*' --profile qemu",
    'blockspec coverage --built',
    'blockspec coverage --report engine.ndjson --report qsd.ndjson',
  ],
  flags: {
    profile: SELECTION_FLAGS.profile,
    clause: many({
      short: 'c',
      value: 'GLOB',
      example: "'QUO-*'",
      doc: 'Only these clauses.',
      parse: text,
    }),
    built: toggle({ doc: 'Only clauses and profiles that some scenario names.' }),
    report: many({
      value: 'REPORT',
      example: 'out.ndjson',
      doc: 'Count only scenarios that passed in a json= report, and show their targets.',
      parse: text,
    }),
    json: toggle({ doc: 'One JSON object for each clause and profile.' }),
  },
  async run({ flags, words, shell }) {
    const loaded = await load(chooseFiles(words, shell.cwd), shell)
    await refuseProblems(loaded.problems, shell)
    const { clauses, suite, root } = loaded
    if (clauses === undefined) throw new CommandError(`${root.clauses} does not exist`)
    const targets =
      flags.report.length > 0
        ? reportedTargets(flags.report, shell)
        : await recordedTargets(root.golden, suite.scenarios)
    const globs = flags.clause.map(globTest)
    const rows = coverageRows(clauses.values(), suite.scenarios, {
      profiles: flags.profile,
      wants: (id) => globs.length === 0 || globs.some((test) => test(id)),
      built: flags.built,
      counts: (scenario, profile) =>
        flags.report.length === 0 || targets.has(`${profile} ${scenario}`),
    })
    if (rows.length === 0) throw new CommandError('no clause is selected', EXIT.empty)
    for (const row of rows)
      shell.stdout.write(flags.json ? json(row, targets) : table(row, targets))
    const complete = rows.filter(({ missing }) => missing.length === 0).length
    if (!flags.json) shell.stdout.write(countLine(rows, complete))
    return complete === rows.length ? EXIT.ok : EXIT.gate
  },
})

/** Names of targets by `PROFILE SCENARIO`. */
type Targets = ReadonlyMap<string, ReadonlySet<string>>

/** Targets on which every played case of a scenario passed or diverged as known. */
function reportedTargets(paths: readonly string[], shell: Shell): Targets {
  const found = new Map<string, Set<string>>()
  for (const path of paths) {
    const good = new Map<string, { key: string; target: string; good: boolean }>()
    for (const end of readReport(resolve(shell.cwd, path), path)) {
      if (end.verdict === 'n/a') continue
      const key = `${end.profile} ${end.scenario}`
      const before = good.get(key)?.good ?? true
      const passed = end.verdict === 'pass' || end.verdict === 'diverged'
      good.set(key, { key, target: end.target, good: before && passed })
    }
    for (const one of good.values()) {
      if (one.good) found.set(one.key, (found.get(one.key) ?? new Set()).add(one.target))
    }
  }
  return found
}

/** Targets that recorded or confirmed the goldens of all cases of a scenario. */
async function recordedTargets(golden: string, scenarios: readonly Scenario[]): Promise<Targets> {
  const { confirmedTargets } = await import('./confirmed.ts')
  return confirmedTargets(golden, scenarios)
}

function targetsOf(id: string, profile: string, targets: Targets): string {
  const names = [...(targets.get(`${profile} ${id}`) ?? [])].sort()
  return names.length === 0 ? 'no target' : names.join(', ')
}

function table(row: CoverageRow, targets: Targets): string {
  const { clause, profile, shown, refused, missing } = row
  const mark = missing.length === 0 ? 'ok  ' : 'MISS'
  const line = (how: string) => (id: string) =>
    `       ${how.padEnd(8)} ${id}  [${targetsOf(id, profile, targets)}]\n`
  return [
    `${mark} ${clause.id}  ${profile}  ${clause.level}${note(clause)}\n`,
    ...shown.map(line('shows')),
    ...refused.map(line('refuses')),
    ...missing.map((what) => `       missing  ${WANTED[what]}\n`),
  ].join('')
}

const WANTED = {
  shown: 'a scenario with it under spec:',
  refused: 'a scenario with it under refuses:',
  effect:
    'a claim about graph, permissions, bytes or events after a command, in a step with it under clause:',
} as const

function note(clause: Clause): string {
  if (clause.seenBy !== undefined) return `  seen by test: ${clause.seenBy}`
  return clause.refused ? '' : '  nothing to refuse'
}

function json(row: CoverageRow, targets: Targets): string {
  const describe = (id: string) => ({
    scenario: id,
    targets: [...(targets.get(`${row.profile} ${id}`) ?? [])].sort(),
  })
  const { clause, profile, missing } = row
  return `${JSON.stringify({
    clause: clause.id,
    profile,
    level: clause.level,
    shown: row.shown.map(describe),
    refused: row.refused.map(describe),
    missing,
  })}\n`
}

function countLine(rows: readonly CoverageRow[], complete: number): string {
  const names = new Set(rows.map(({ clause }) => clause.id)).size
  const shown = rows.filter((row) => row.shown.length > 0).length
  const refused = rows.filter((row) => row.refused.length > 0).length
  return (
    `${complete} of ${rows.length} complete (${names} clauses, each profile counted: ` +
    `${shown} shown, ${refused} refused)\n`
  )
}
