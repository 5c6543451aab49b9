/** `blockspec lint`: every problem of scenario files, without any target. */
import type { Problem } from '../../dsl/index.ts'
import { chooseFiles } from './choose-files.ts'
import { compileOptions, readSources, loadClauseTable } from './selection.ts'
import { toggle } from './flags.ts'
import { defineVerb, EXIT } from './verb.ts'

export const lint = defineVerb({
  name: 'lint',
  usage: '[PATHS|IDS…]',
  doc: 'Checks scenario files: what cannot be played, what breaks a rule of the suite, what could be better. Exit status 2 if there is an error, with --strict also for a warning.',
  examples: ['blockspec lint', 'blockspec lint quorum --strict'],
  flags: {
    strict: toggle({ doc: 'Warnings count as errors.' }),
    json: toggle({ doc: 'One JSON object for each problem.' }),
  },
  async run({ flags, words, shell }) {
    const chosen = chooseFiles(words, shell.cwd)
    const clauses = await loadClauseTable(chosen.root)
    const sources = readSources(chosen.files, shell.cwd)
    const { lint: check } = await import('../language.ts')
    const { renderProblem } = await import('../../dsl/index.ts')
    const problems = check(sources, compileOptions(chosen.root, clauses, shell.cwd, []))
    for (const problem of problems) {
      const text = flags.json ? json(problem) : `${renderProblem(problem)}\n`
      shell.stdout.write(`${text}\n`)
    }
    const errors = problems.filter(({ level }) => level === 'error').length
    const warnings = problems.length - errors
    if (!flags.json) {
      shell.stdout.write(`${sources.length} scenarios: ${errors} errors, ${warnings} warnings\n`)
    }
    return errors > 0 || (flags.strict && warnings > 0) ? EXIT.usage : EXIT.ok
  },
})

function json({ code, level, message, span, help }: Problem): string {
  const { file, line, column, endLine, endColumn } = span
  return JSON.stringify({ file, line, column, endLine, endColumn, level, code, message, help })
}
