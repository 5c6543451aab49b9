/** Help texts, made from the tables that also do the work. */
import type { Flag, FlagTable } from './flags.ts'
import type { Verb } from './verb.ts'
import { VERBS } from './index.ts'

const COMMON = `blockspec: an executable specification of a QEMU-style block layer

Common tasks:
  blockspec run                              play every scenario on the built-in engine
  blockspec run quorum --target qsd:/usr/bin/qemu-storage-daemon
                                             play one area on a real QEMU
  blockspec new quorum/my-case               start a scenario
  blockspec review                           look at new and changed goldens, one by one
  blockspec explain QUO-3                    what a clause, a code or a scenario is about

All verbs: blockspec help.   One verb: blockspec VERB --help.
`

/** What `blockspec` alone prints. */
export function commonTasks(): string {
  return COMMON
}

/** What `blockspec help` prints. */
export function allVerbs(): string {
  const names = Object.entries(VERBS)
  const width = Math.max(...names.map(([name]) => name.length))
  const lines = names.map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return `usage: blockspec VERB [FLAGS] [WORDS]\n\n${lines.join('\n')}\n
  blockspec VERB --help    flags with examples
  blockspec --version      the version
`
}

export function verbHelp(verb: Verb): string {
  const usage = `usage: blockspec ${verb.name} ${verb.usage}`.trimEnd()
  const examples = verb.examples.map((line) => `  ${line}`).join('\n')
  const flags = flagLines(verb.flags)
  return [
    usage,
    `\n${wrap(verb.doc, '', 80)}`,
    ...(flags === '' ? [] : [`\nFlags:\n${flags}`]),
    ...(examples === '' ? [] : [`\nExamples:\n${examples}`]),
    '',
  ].join('\n')
}

function flagLines(table: FlagTable): string {
  return Object.entries(table)
    .map(([name, flag]) => flagLine(name, flag))
    .join('\n')
}

function flagLine(name: string, flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `
  const head = `  ${short}--${name}${valueHint(flag)}`
  const example = flag.kind === 'switch' ? '' : ` For example: --${name}${exampleOf(flag)}`
  return `${head}\n${wrap(flag.doc + example, '          ', 88)}`
}

function valueHint(flag: Flag): string {
  if (flag.kind === 'switch') return ''
  return flag.bare === undefined ? ` ${flag.value}` : `[=${flag.value}]`
}

function exampleOf(flag: Exclude<Flag, { kind: 'switch' }>): string {
  return flag.bare === undefined ? ` ${flag.example}` : `=${flag.example}`
}

function wrap(text: string, indent: string, width: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line].join('\n')
}
