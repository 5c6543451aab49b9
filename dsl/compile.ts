/** Compiles scenario files: text in, suite and problems out. */
import type { Scenario, Suite } from './plan.ts'
import type { Problem } from './problem.ts'

export interface SourceFile {
  /** As shown in messages. */
  readonly path: string
  readonly text: string
}

/** Clause ids that exist; a `Map` or `Set` by id will do. */
export interface ClauseTable {
  has(id: string): boolean
  keys(): Iterable<string>
}

export interface CompileOptions {
  /** Folder of the suite as it stands in the paths of the files, such as `scenarios`. */
  readonly root: string
  /** Text of a fragment or of `blockspec.config.yaml`, by path below the root. */
  readonly readFragment?: (path: string) => string | undefined
  /** Absent: clause ids are not checked. */
  readonly clauses?: ClauseTable
  /** `--set name=value`, by name. */
  readonly params?: Readonly<Record<string, string>>
}

export declare function compileSuite(
  files: readonly SourceFile[],
  options: CompileOptions,
): { readonly suite: Suite; readonly problems: readonly Problem[] }

export declare function compileScenario(
  file: SourceFile,
  options: CompileOptions,
): { readonly scenario: Scenario | undefined; readonly problems: readonly Problem[] }
