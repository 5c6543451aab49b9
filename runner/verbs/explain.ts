/** `blockspec explain`: what a diagnostic code, a clause or a scenario is about. */
import { CODES } from '../../dsl/index.ts'
import type { Scenario, Step } from '../../dsl/plan.ts'
import type { Clause } from '../clauses.ts'
import { explainKey, keyNames } from '../language.ts'
import { selectAll } from '../selected.ts'
import { runSuite } from '../suite.ts'
import { toggle } from './flags.ts'
import { bareId, chooseFiles } from './choose-files.ts'
import { load, loadClauseTable, refuseProblems, type Loaded } from './selection.ts'
import { hint } from './suggest.ts'
import { findRoot, listFiles } from './suite-files.ts'
import { CommandError, defineVerb, EXIT, takeWords, type Shell } from './verb.ts'

export const explain = defineVerb({
  name: 'explain',
  usage: 'CODE|CLAUSE|KEY|ID',
  doc: 'Explains a diagnostic code, a clause with the scenarios that name it, a key of the language, or a scenario with its needs and cases.',
  examples: ['blockspec explain io-syntax', 'blockspec explain QUO-3', 'blockspec explain faults'],
  flags: {
    normalised: toggle({
      doc: 'Play the scenario on the engine and show how many values each normaliser touched.',
    }),
  },
  async run({ flags, words, shell }) {
    const [name = ''] = takeWords('explain', words, ['CODE|CLAUSE|KEY|ID'])
    const codes: Readonly<Record<string, unknown>> = CODES
    if (Object.hasOwn(codes, name)) {
      shell.stdout.write(`${name}\n\n${describe(codes[name])}\n`)
      return EXIT.ok
    }
    const root = findRoot(shell.cwd)
    const clauses = await loadClauseTable(root)
    const clause = clauses?.get(name)
    if (clause !== undefined) return explainClause(clause, shell)
    const ids = listFiles(root).map(({ id }) => id)
    if (ids.includes(bareId(name))) return explainScenario(name, flags.normalised, shell)
    const key = explainKey(name)
    if (key.length > 0) {
      shell.stdout.write(`${name}\n\n${key.join('\n')}\n`)
      return EXIT.ok
    }
    const known = [...Object.keys(codes), ...keyNames(), ...(clauses?.keys() ?? []), ...ids]
    throw new CommandError(`no code, clause, key or scenario '${name}'${hint(name, known)}`)
  },
})

function describe(entry: unknown): string {
  return typeof entry === 'string' ? entry : JSON.stringify(entry, undefined, 2)
}

async function explainClause(clause: Clause, shell: Shell): Promise<number> {
  const { suite } = await load(chooseFiles([], shell.cwd), shell)
  const { id, level, profiles, sentence, seenBy, switches } = clause
  const naming = (refs: (one: Scenario) => readonly { readonly id: string }[]) =>
    suite.scenarios.filter((one) => refs(one).some((ref) => ref.id === id))
  const lines = [
    `${id}  (${level}; profiles ${profiles.join(', ')})`,
    '',
    sentence,
    ...(seenBy === undefined ? [] : ['', `Seen by the test: ${seenBy}`]),
    ...(switches.length === 0
      ? []
      : ['', `Switches between note and qemu: ${switches.join(', ')}`]),
    ...section(
      'Shown by',
      naming(({ spec }) => spec),
    ),
    ...section(
      'What it forbids is refused in',
      naming(({ refuses }) => refuses),
    ),
  ]
  shell.stdout.write(`${lines.join('\n')}\n`)
  return EXIT.ok
}

function section(title: string, scenarios: readonly Scenario[]): readonly string[] {
  if (scenarios.length === 0) return ['', `${title}: no scenario`]
  return ['', `${title}:`, ...scenarios.map((one) => `  ${one.id}  ${one.title}`)]
}

async function explainScenario(name: string, normalised: boolean, shell: Shell): Promise<number> {
  const loaded = await load(chooseFiles([name], shell.cwd), shell)
  await refuseProblems(loaded.problems, shell)
  const [scenario] = loaded.suite.scenarios
  if (scenario === undefined) throw new CommandError(`${name} is no scenario`)
  const needs = new Map(scenario.cases.flatMap((one) => one.needs.map((need) => [need.text, need])))
  const lines = [
    `${scenario.id}  ${scenario.title}`,
    `  ${scenario.file}`,
    ...(scenario.about === '' ? [] : ['', scenario.about.trim()]),
    '',
    `profiles: ${scenario.profiles.join(', ')}`,
    `tags: ${scenario.tags.join(', ') || 'none'}`,
    `shows: ${scenario.spec.map(({ id }) => id).join(', ') || 'no clause'}`,
    `refuses: ${scenario.refuses.map(({ id }) => id).join(', ') || 'no clause'}`,
    'needs:',
    ...[...needs.values()].map(({ text, inferred }) => `  ${text}${inferred ? '' : '  (written)'}`),
    'cases:',
    ...scenario.cases.map((one) => `  ${one.id}${showSchedules(one.steps)}`),
  ]
  shell.stdout.write(`${lines.join('\n')}\n`)
  if (normalised) await showNormalised(loaded, shell)
  return EXIT.ok
}

/** `  (guest and job, all orders: 6)` behind a case whose actors play together. */
function showSchedules(steps: readonly Step[]): string {
  const texts = steps.flatMap((step) => {
    if (step.kind !== 'together') return []
    const { schedule, actors } = step
    const names = actors.map(({ name }) => name).join(' and ')
    const count = schedule.kind === 'all' ? ` orders: ${String(schedule.orders.length)}` : ''
    return [`${names}, ${schedule.kind}${count}`]
  })
  return texts.length === 0 ? '' : `  (${texts.join('; ')})`
}

/** Plays all cases on the engine, goldens aside, and adds up what the normalisers did. */
async function showNormalised({ suite, root }: Loaded, shell: Shell): Promise<void> {
  const cases = selectAll(suite)
  const summary = await runSuite({
    cases,
    sources: suite.sources,
    target: { kind: 'engine', text: 'engine' },
    jobs: 1,
    seed: 1,
    timeoutScale: 1,
    golden: { mode: 'off', root: root.golden },
    keep: 'none',
    onEvent: () => undefined,
    signal: shell.signal,
  })
  const touched = Object.entries(summary.normalised).filter(([, times]) => times > 0)
  shell.stdout.write('normalised on the engine, values over all cases:\n')
  for (const [name, times] of touched) shell.stdout.write(`  ${name} ${times}\n`)
  if (touched.length === 0) shell.stdout.write('  nothing\n')
}
