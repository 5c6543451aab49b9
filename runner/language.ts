/** The language with every kind of step that is played here: what a scenario of this suite can say. */
import * as dsl from '../dsl/index.ts'
import { STEPS } from './steps/index.ts'

export type LanguageOptions = Omit<dsl.CompileOptions, 'kinds'>

export function compileSuite(files: readonly dsl.SourceFile[], options: LanguageOptions) {
  return dsl.compileSuite(files, { ...options, kinds: STEPS })
}

export function compileScenario(file: dsl.SourceFile, options: LanguageOptions) {
  return dsl.compileScenario(file, { ...options, kinds: STEPS })
}

export function lint(files: readonly dsl.SourceFile[], options: LanguageOptions) {
  return dsl.lint(files, { ...options, kinds: STEPS })
}

export function jsonSchema(): object {
  return dsl.jsonSchema(STEPS)
}

export function explainKey(name: string): readonly string[] {
  return dsl.explainKey(name, STEPS)
}

export function keyNames(): readonly string[] {
  return dsl.keyNames(STEPS)
}
