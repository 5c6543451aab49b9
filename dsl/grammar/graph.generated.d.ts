/** Generated from graph.peggy by generate.ts: do not edit. */
export type StartRule = 'Line'
export interface ParseOptions {
  readonly startRule: StartRule
}
export function parse(input: string, options: ParseOptions): unknown
