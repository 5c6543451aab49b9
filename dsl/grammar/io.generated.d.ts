/** Generated from io.peggy by generate.ts: do not edit. */
export type StartRule = 'Line' | 'WantOnly' | 'NbdLine' | 'PatternOnly' | 'SizeOnly' | 'FaultOnly'
export interface ParseOptions {
  readonly startRule: StartRule
}
export function parse(input: string, options: ParseOptions): unknown
