/** `blockspec schema`: the JSON Schema of a scenario file, for editors. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { one, text } from './flags.ts'
import { CommandError, defineVerb, EXIT, takeWords } from './verb.ts'

export const schema = defineVerb({
  name: 'schema',
  usage: '',
  doc: 'Prints the JSON Schema of a scenario file.',
  examples: ['blockspec schema --output scenarios/scenario-1.schema.json'],
  flags: {
    output: one({
      short: 'o',
      value: 'FILE',
      example: 'scenarios/scenario-1.schema.json',
      doc: 'Write to this file instead of standard output.',
      parse: text,
    }),
  },
  async run({ flags, words, shell }) {
    takeWords('schema', words, [])
    const { jsonSchema } = await import('../language.ts')
    const json = `${JSON.stringify(jsonSchema(), undefined, 2)}\n`
    if (flags.output === undefined) shell.stdout.write(json)
    else {
      try {
        writeFileSync(resolve(shell.cwd, flags.output), json)
      } catch (error) {
        throw new CommandError(`cannot write ${flags.output}: ${(error as Error).message}`)
      }
    }
    return EXIT.ok
  },
})
