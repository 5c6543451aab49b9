/** `blockspec new`: the skeleton of a scenario that passes as it is. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findRoot, shownPath } from './suite-files.ts'
import { CommandError, defineVerb, EXIT, takeWords } from './verb.ts'

const ID = /^[a-z0-9][a-z0-9-]*(\/[a-z0-9][a-z0-9-]*)+$/

export const newScenario = defineVerb({
  name: 'new',
  usage: 'ID',
  doc: 'Writes the skeleton of a scenario; ID is AREA/WHAT-IT-SHOWS.',
  examples: ['blockspec new quorum/votes-are-counted'],
  flags: {},
  notBuilt: ['from-iotest'],
  run({ words, shell }) {
    const [id = ''] = takeWords('new', words, ['ID'])
    if (!ID.test(id)) {
      throw new CommandError(
        `'${id}' is no id: write AREA/WHAT-IT-SHOWS in lower case, such as quorum/votes-are-counted`,
      )
    }
    const root = findRoot(shell.cwd)
    const path = join(root.scenarios, `${id}.yaml`)
    const shown = shownPath(path, shell.cwd)
    try {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, skeleton(id), { flag: 'wx' })
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
      throw new CommandError(
        exists ? `${shown} exists already` : `cannot write ${shown}: ${(error as Error).message}`,
      )
    }
    shell.stdout.write(`${shown}\nnext: blockspec run '${id}' --golden pending\n`)
    return Promise.resolve(EXIT.ok)
  },
})

function skeleton(id: string): string {
  const parts = id.split('/')
  const up = '../'.repeat(parts.length - 1)
  const title = (parts.at(-1) ?? id).replaceAll('-', ' ')
  return `# yaml-language-server: $schema=${up}scenario-1.schema.json
scenario: 1
title: ${title}
about: >
  Why this exists, in a sentence or two.
tags: [${parts[0] ?? ''}]

nodes:
  a: { driver: null-co, size: 1M, read-zeroes: true }

steps:
  - phase: name what happens here
  - io: a
    do: |
      write -P 0xa5 0 64k
      read -P 0 0 64k
`
}
