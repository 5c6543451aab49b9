/**
 * Plays selected cases on one target and reports them as one stream of events. Everything that the
 * command line does with scenarios goes through here.
 */
import type { Case, Profile, Scenario, Suite } from '../dsl/plan.ts'
import type { RunEvent, Verdict } from './report/event.ts'
import type { TargetSpec } from './targets/target.ts'

/** One case in one profile. */
export interface Selected {
  readonly scenario: Scenario
  readonly case: Case
  readonly profile: Profile
}

export type GoldenMode = 'check' | 'pending' | 'off'

export interface RunOptions {
  /** In the order wanted for playing; see `selectCases` and `orderCases`. */
  readonly cases: readonly Selected[]
  readonly target: TargetSpec
  /** At once: worker threads for the engine, processes for real targets. */
  readonly jobs: number
  /** Of the simulated host's scheduler. */
  readonly seed: number
  /** Multiplies every limit in real time. */
  readonly timeoutScale: number
  readonly golden: {
    readonly mode: GoldenMode
    /** The folder `golden/`. */
    readonly root: string
  }
  readonly keep: 'none' | 'failed' | 'all'
  readonly trace: 'off' | 'failed' | 'on'
  /** Needed for `qmp:` targets: the user says that the target may be changed. */
  readonly owned?: boolean
  /** Stop after so many cases that broke. */
  readonly maxFailures?: number
  readonly onEvent: (event: RunEvent) => void
  readonly signal?: AbortSignal
}

export interface RunSummary {
  readonly cases: number
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>
  readonly seconds: number
  /** Not applicable, with the reason. */
  readonly notApplicable: readonly { readonly id: string; readonly reason: string }[]
  /** Goldens in use that no real QEMU has confirmed. */
  readonly unconfirmed: number
  /** How many values each normaliser touched. */
  readonly normalised: Readonly<Record<string, number>>
  readonly interrupted: boolean
}

export type Order =
  | { readonly kind: 'name' }
  /** As the files and matrices list them. */
  | { readonly kind: 'plan' }
  | { readonly kind: 'random'; readonly seed: number }

/** Every case of a suite in every profile that its scenario states. */
export declare function selectAll(suite: Suite): Selected[]
export declare function orderCases(cases: readonly Selected[], order: Order): Selected[]
/** @throws {TargetError} when the target cannot be started or asked. */
export declare function runSuite(options: RunOptions): Promise<RunSummary>
