/** Generated from match.peggy by generate.ts: do not edit. */
export type StartRule = 'Match' | 'Expectation'
export interface ParseOptions {
  readonly startRule: StartRule
}
export function parse(input: string, options: ParseOptions): unknown
