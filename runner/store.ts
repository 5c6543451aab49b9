/**
 * The folder `golden/`: accepted goldens with their provenance, and below `.pending/` what runs have
 * recorded and nobody has accepted yet.
 */
import type { Profile, Scenario } from '../dsl/plan.ts'
import type { TranscriptText } from './golden.ts'

/** What one run recorded for one case. */
export interface PendingCase {
  /** `scenario` or `scenario[var=value]`. */
  readonly id: string
  readonly scenario: string
  readonly profile: Profile
  /** Title of the recording target: `qemu-storage-daemon 7.2.22`. */
  readonly from: string
  /** `qsd 7.2.22`: kind and version, as provenance names targets. */
  readonly target: string
  readonly transcript: TranscriptText
  /** Inline claims failed: cannot be accepted. */
  readonly failed: boolean
}

export interface AcceptOptions {
  /** Take engine transcripts for profile `qemu`. */
  readonly unconfirmed: boolean
  /** Allow a golden to lose more than 30 % of its lines. */
  readonly shrink: boolean
}

export interface Accepted {
  readonly accepted: readonly string[]
  readonly refused: readonly { readonly id: string; readonly reason: string }[]
}

/** A pending golden beside the one that it would replace, for review. */
export interface PendingGolden {
  readonly scenario: string
  readonly profile: Profile
  readonly path: string
  readonly cases: readonly PendingCase[]
  /** The accepted text, empty when there is none yet. */
  readonly before: string
  readonly after: string
  /** Unified diff by phase, each hunk with a hash that is equal for equal changes. */
  readonly hunks: readonly {
    readonly heading: string
    readonly text: string
    readonly hash: string
  }[]
}

/** Path of a golden below the root: `quorum/vote.golden`, `quorum/vote.note.golden`. */
export function goldenPath(scenario: string, profile: Profile): string {
  return profile === 'qemu' ? `${scenario}.golden` : `${scenario}.${profile}.golden`
}

export declare class GoldenStore {
  constructor(root: string)
  /** The accepted transcript of a case, or `undefined` if it has none. */
  transcript(scenario: Scenario, caseId: string, profile: Profile): TranscriptText | undefined
  /** Whether the case's golden was accepted from the engine alone in profile `qemu`. */
  isUnconfirmed(scenario: string, caseId: string, profile: Profile): boolean
  writePending(cases: readonly PendingCase[]): void
  /** All that is pending; the scenarios give the order of cases. */
  pending(scenarios: readonly Scenario[]): readonly PendingGolden[]
  accept(
    scenarios: readonly Scenario[],
    chosen: readonly PendingGolden[],
    options: AcceptOptions,
  ): Accepted
  reject(chosen: readonly PendingGolden[]): void
  /** Goldens without scenario or case. */
  orphans(scenarios: readonly Scenario[]): readonly string[]
  /** Notes that a target gave the recorded transcript too, or no longer does. Written by `save`. */
  noteIdentical(caseId: string, profile: Profile, target: string, identical: boolean): void
  save(): void
}
