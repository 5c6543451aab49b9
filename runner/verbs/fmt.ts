/** `blockspec fmt`: formats scenario files in place, keeping comments and meaning. */
import { writeFileSync } from 'node:fs'
import { toggle } from './flags.ts'
import { chooseFiles } from './choose-files.ts'
import { readText, shownPath } from './suite-files.ts'
import { CommandError, defineVerb, EXIT } from './verb.ts'

export const fmt = defineVerb({
  name: 'fmt',
  usage: '[PATHS|IDS…]',
  doc: 'Formats scenario files in place: indentation and blanks; comments, order and quotes stay. Fragments are formatted too.',
  examples: ['blockspec fmt', 'blockspec fmt --check'],
  flags: {
    check: toggle({ doc: 'Change nothing; exit status 1 if a file is not formatted.' }),
  },
  async run({ flags, words, shell }) {
    const { formatScenario } = await import('../../dsl/index.ts')
    const { files } = chooseFiles(words, shell.cwd)
    let changed = 0
    for (const { path } of files) {
      const shown = shownPath(path, shell.cwd)
      const text = readText(path, shown)
      const formatted = formatScenario(text)
      if (formatted === text) continue
      changed += 1
      shell.stdout.write(`${shown}\n`)
      if (!flags.check) write(path, shown, formatted)
    }
    const verb = flags.check ? 'are not formatted' : 'changed'
    shell.stdout.write(`${changed} of ${files.length} files ${verb}\n`)
    return flags.check && changed > 0 ? EXIT.failed : EXIT.ok
  },
})

function write(path: string, shown: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new CommandError(`cannot write ${shown}: ${(error as Error).message}`)
  }
}
