/** Generated from small.peggy by generate.ts: do not edit. */
export type StartRule = 'Condition' | 'Need' | 'SavePath' | 'Image' | 'Img' | 'Wait' | 'Schedule'
export interface ParseOptions {
  readonly startRule: StartRule
}
export function parse(input: string, options: ParseOptions): unknown
