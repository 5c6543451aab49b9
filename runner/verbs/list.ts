/** `blockspec list`: which cases a selection means, without playing them. */
import type { Selected } from '../selected.ts'
import { counted } from '../report/reporter.ts'
import { LastRun } from './last-run.ts'
import { toggle } from './flags.ts'
import { SELECTION_FLAGS } from './selection-flags.ts'
import { selectCases } from './selection.ts'
import { CommandError, defineVerb, EXIT } from './verb.ts'

export const list = defineVerb({
  name: 'list',
  usage: '[PATHS|IDS…]',
  doc: 'Shows the selected cases with profile, tags, clauses and, where the engine has played them before, the expected time. Takes the selection flags of run.',
  examples: ["blockspec list -t 'quorum and not slow'", 'blockspec list --json'],
  flags: {
    ...SELECTION_FLAGS,
    json: toggle({ doc: 'One JSON object for each case.' }),
    'pass-empty': toggle({ doc: 'An empty selection is not an error.' }),
  },
  async run({ flags, words, shell }) {
    const { cases, root } = await selectCases(words, flags, shell)
    if (cases.length === 0 && !flags['pass-empty']) {
      throw new CommandError('no case is selected (--pass-empty allows that)', EXIT.empty)
    }
    const last = new LastRun(root, 'engine', shell.env)
    const rows = cases.map((one) => describe(one, last))
    if (flags.json) {
      for (const row of rows) shell.stdout.write(`${JSON.stringify(row)}\n`)
      return EXIT.ok
    }
    for (const row of rows) {
      const time = row.milliseconds === undefined ? '' : `  ${row.milliseconds.toFixed(1)} ms`
      const tags = row.tags.length === 0 ? '' : `  ${row.tags.join(',')}`
      const clauses = row.clauses.length === 0 ? '' : `  ${row.clauses.join(' ')}`
      shell.stdout.write(`${row.id}  ${row.profile}${tags}${clauses}${time}\n`)
    }
    const scenarios = new Set(cases.map(({ scenario }) => scenario.id)).size
    shell.stdout.write(`${counted(cases.length, 'case')} of ${counted(scenarios, 'scenario')}\n`)
    return EXIT.ok
  },
})

function describe(one: Selected, last: LastRun) {
  const { scenario, profile } = one
  return {
    id: one.case.id,
    profile,
    scenario: scenario.id,
    title: scenario.title,
    file: scenario.file,
    tags: scenario.tags,
    clauses: scenario.spec.map(({ id }) => id),
    refuses: scenario.refuses.map(({ id }) => id),
    needs: one.case.needs.map(({ text }) => text),
    milliseconds: last.get(one.case.id, profile)?.milliseconds,
  }
}
