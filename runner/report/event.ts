/**
 * The one stream that a run is: every reporter is a pure function of it, and `json=PATH` writes it
 * as NDJSON, one event a line, members as here.
 */

export type Verdict =
  | 'pass'
  | 'fail'
  | 'error'
  | 'timeout'
  | 'crash'
  | 'diverged'
  | 'healed'
  | 'diverged-differently'
  | 'n/a'
  | 'pending'
  /** Broke, then passed when played again; real targets with `--retries` only. */
  | 'flaky'

/** Where in a file a failure points; 1-based. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export type RunEvent =
  | {
      readonly event: 'run-start'
      readonly format: 1
      readonly blockspec: string
      readonly target: string
      readonly cases: number
      readonly seed: number
      readonly jobs: number
    }
  | { readonly event: 'case-start'; readonly id: string; readonly target: string }
  | { readonly event: 'step'; readonly id: string; readonly phase: string; readonly text: string }
  | CaseEnd
  | {
      readonly event: 'run-end'
      readonly cases: number
      readonly verdicts: Readonly<Partial<Record<Verdict, number>>>
      readonly seconds: number
    }

export interface CaseEnd {
  readonly event: 'case-end'
  readonly id: string
  readonly scenario: string
  readonly title: string
  readonly file: string
  readonly target: string
  readonly profile: string
  readonly verdict: Verdict
  readonly milliseconds: number
  readonly clauses: readonly string[]
  /** Why it is not applicable, diverged, or wrong in the environment. */
  readonly reason?: string
  readonly failures: readonly Failure[]
  /** Claims that failed and that known differences of the target excuse. */
  readonly excused?: readonly Failure[]
  /** Known differences of the target that were found as pinned. */
  readonly known?: readonly KnownDifference[]
  /** `SIGABRT at qmp blockdev-reopen`: how the target ended, or where it fell silent. */
  readonly death?: string
  /** How many values each normaliser touched. */
  readonly normalised: Readonly<Record<string, number>>
  /** The golden was recorded from the engine alone. */
  readonly unconfirmed?: boolean
  /** Phases in order with their transcript text, heading included, for reporters that show them. */
  readonly phases: readonly { readonly title: string; readonly text: string }[]
  /** The one command that runs this case again. */
  readonly rerun: string
  /** The scratch folder, where `--keep` left it. */
  readonly kept?: string
}

/** An entry of a divergence file. */
export interface KnownDifference {
  readonly why: string
  readonly owner: string
  readonly link?: string
  /** The pinned diff in golden notation. */
  readonly expect?: string
}

export interface Failure {
  /** `claim`, `golden`, `reply`, `target`, `budget`, … stable codes. */
  readonly code: string
  readonly message: string
  readonly phase: string
  /** Id of the step, if it has one. */
  readonly step?: string
  /** The one clause that the step shows, if it names one. */
  readonly clause?: string
  readonly place?: Place
  /** The frame with the caret, ready to print. */
  readonly excerpt?: string
  /** A unified diff against the golden. */
  readonly diff?: string
}
