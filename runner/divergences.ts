/**
 * Known differences of an implementation, kept beside its settings in `divergences.yaml`: pinned to
 * the exact lines, with a reason and an owner, and red as soon as they heal, change or go stale.
 */
import type { Scenario } from '../dsl/plan.ts'

export interface Divergence {
  readonly scenario: string
  /** Case pattern, `*` for all. */
  readonly case: string
  readonly profile?: string
  readonly clause?: string
  /** Capability gap: the case is not played. */
  readonly notApplicable?: string
  /** The pinned diff in golden notation. */
  readonly expect?: string
  /** `SIGABRT at STEP`. */
  readonly crash?: string
  /** Id or text of the step whose inline claim differs. */
  readonly claims: readonly string[]
  readonly why: string
  readonly link?: string
  readonly owner: string
  readonly until?: string
  /** For messages: `file:line`. */
  readonly place: string
}

export interface DivergenceFile {
  readonly path: string
  readonly entries: readonly Divergence[]
}

/** The file is wrong: every problem as `file:line:col: text`, joined by newlines. */
export class DivergenceError extends Error {
  override readonly name = 'DivergenceError'
}

/** An absent file has no entries. @throws {DivergenceError} */
export declare function loadDivergences(path: string): DivergenceFile
/** Entries that name no scenario, case or phase of the suite: one message each. */
export declare function staleEntries(
  file: DivergenceFile,
  scenarios: readonly Scenario[],
): readonly string[]
/** Appends an entry, keeping comments. */
export declare function addDivergence(
  path: string,
  entry: Omit<Divergence, 'place' | 'claims'> & { readonly claims?: readonly string[] },
): void
/** Removes the entries of a scenario (and case); returns how many. */
export declare function removeDivergence(path: string, scenario: string, which?: string): number
