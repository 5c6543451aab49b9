/**
 * Writes the parsers beside their grammars: `node --import tsx dsl/grammar/generate.ts`. They are
 * checked in; a test compares them with a fresh build.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import peggy from 'peggy'

const START_RULES = {
  io: ['Line', 'WantOnly', 'NbdLine', 'PatternOnly', 'SizeOnly', 'FaultOnly'],
  match: ['Match', 'Expectation'],
  graph: ['Line'],
  small: ['Condition', 'Need', 'SavePath', 'Image', 'Img', 'Wait', 'Schedule'],
} as const

export type GrammarName = keyof typeof START_RULES
export const GRAMMARS = Object.keys(START_RULES) as GrammarName[]

/** Text of a parser, as it should be in `NAME.generated.js`. */
export function buildParser(name: GrammarName): string {
  const path = new URL(`${name}.peggy`, import.meta.url)
  const parser = peggy.generate(readFileSync(path, 'utf8'), {
    output: 'source',
    format: 'es',
    allowedStartRules: [...START_RULES[name]],
    grammarSource: `${name}.peggy`,
  })
  return `/** Generated from ${name}.peggy by generate.ts: do not edit. */\n${parser}`
}

/** Its declaration: what comes out is checked by the caller's types in `grammar/ast.ts`. */
export function buildDeclaration(name: GrammarName): string {
  const rules = START_RULES[name].map((rule) => `'${rule}'`).join(' | ')
  return [
    `/** Generated from ${name}.peggy by generate.ts: do not edit. */`,
    `export type StartRule = ${rules}`,
    'export interface ParseOptions {',
    '  readonly startRule: StartRule',
    '}',
    'export function parse(input: string, options: ParseOptions): unknown',
    '',
  ].join('\n')
}

if (process.argv[1]?.endsWith('generate.ts')) {
  for (const name of GRAMMARS) {
    writeFileSync(new URL(`${name}.generated.js`, import.meta.url), buildParser(name))
    writeFileSync(new URL(`${name}.generated.d.ts`, import.meta.url), buildDeclaration(name))
  }
}
