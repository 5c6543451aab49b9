/**
 * The door of the language: scenario text in, plan or problems out. Pure: no file system, no
 * engine, no runner. Loading it loads the YAML parser, so a command line imports it when needed.
 */
export { CODES, type Code } from './codes.ts'
export { formatScenario } from './format.ts'
export { jsonSchema } from './json-schema.ts'
export { explainKey, keyNames } from './keys.ts'
export { LIMITS } from './limits.ts'
export { lint } from './lint.ts'
export type * from './plan.ts'
export type * from './plan-claims.ts'
export type * from './plan-io.ts'
export { printIoLine, printPattern, printRange } from './print.ts'
export { printGraphLine } from './print-graph.ts'
export { printValue } from './print-value.ts'
export { excerpt, place, renderProblem, type Note, type Problem } from './problem.ts'
export { parseDuration, parseSize, printSize } from './size.ts'
export {
  compileScenario,
  compileSuite,
  type ClauseTable,
  type CompileOptions,
  type SourceFile,
} from './compile.ts'
export { printFixed } from './print-schedule.ts'
export { each } from './steps/each.ts'
export { phase } from './steps/phase.ts'
export { together } from './steps/together.ts'
export { use } from './steps/use.ts'
