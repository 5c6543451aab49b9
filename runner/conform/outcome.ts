/**
 * What one played case says of a target, on two levels: `contract`, whether the claims of the
 * scenario hold, and `transcript`, whether all that was visible is what the golden has. Pure.
 */
import type { CaseEnd, Failure, KnownDifference } from '../report/event.ts'

export type Contract = 'holds' | 'differs' | 'crashes' | 'hangs' | 'error' | 'not-applicable'

/** `known`: other than the golden, exactly as pinned; `other`: other than that too. */
export type Transcript = 'same' | 'known' | 'other' | 'none'

export interface Outcome {
  readonly id: string
  readonly scenario: string
  readonly title: string
  readonly contract: Contract
  readonly transcript: Transcript
  /** Claims that failed, or what stopped the case. */
  readonly failures: readonly Failure[]
  /** Entries of the target's divergence file that were found as pinned. */
  readonly known: readonly KnownDifference[]
  /** `SIGABRT at qmp blockdev-reopen`, `no answer at node w`. */
  readonly death?: string
  /** Why it is not applicable. */
  readonly reason?: string
  /** A difference from the golden that no entry pins, as a unified diff. */
  readonly diff?: string
  /** `run` would end with another status than 0 for it. */
  readonly unexpected: boolean
}

/** Codes of failures that speak of goldens and entries, not of what the scenario claims. */
const BESIDE_CLAIMS: ReadonlySet<string> = new Set(['golden', 'healed', 'divergence'])

/** Codes of failures after which the rest of the case was not played. */
const STOPS: ReadonlySet<string> = new Set([
  'step',
  'variable',
  'target',
  'assertion',
  'deadline',
  'stalled',
  'budget',
])

/**
 * Where a case fell silent because what it waited for never came, while the target may well answer.
 */
const WAITED = /^no answer at (wait|events)\b/

const EXPECTED: ReadonlySet<string> = new Set(['pass', 'diverged', 'n/a', 'flaky'])

/** @param compared - Whether the transcript was held against a golden. */
export function outcomeOf(end: CaseEnd, compared: boolean): Outcome {
  const failures = claimsOf(end)
  const contract = contractOf(end, failures)
  const diff = end.failures.find((one) => one.diff !== undefined)?.diff
  return {
    id: end.id,
    scenario: end.scenario,
    title: end.title,
    contract,
    transcript: compared ? transcriptOf(end, contract) : 'none',
    failures,
    known: end.known ?? [],
    ...(end.death === undefined ? {} : { death: end.death }),
    ...(contract === 'not-applicable' ? { reason: end.reason ?? '' } : {}),
    ...(diff === undefined || !compared ? {} : { diff }),
    unexpected: !EXPECTED.has(end.verdict),
  }
}

function claimsOf(end: CaseEnd): readonly Failure[] {
  return [...end.failures, ...(end.excused ?? [])].filter(({ code }) => !BESIDE_CLAIMS.has(code))
}

function contractOf(end: CaseEnd, failures: readonly Failure[]): Contract {
  if (end.verdict === 'n/a') return 'not-applicable'
  if (end.verdict === 'error') return 'error'
  if (end.verdict === 'timeout' || end.death?.startsWith('no answer') === true) {
    if (end.death !== undefined) return WAITED.test(end.death) ? 'differs' : 'hangs'
    // Where a claim failed before, what is waited for after it need not come.
    return failures.some(({ code }) => !STOPS.has(code)) ? 'differs' : 'hangs'
  }
  if (end.verdict === 'crash' || end.death !== undefined) return 'crashes'
  return failures.length > 0 ? 'differs' : 'holds'
}

function transcriptOf(end: CaseEnd, contract: Contract): Transcript {
  if (contract !== 'holds' && contract !== 'differs') return 'none'
  if (end.failures.some(({ diff }) => diff !== undefined)) return 'other'
  if (end.verdict === 'diverged') {
    return end.known?.some(({ expect }) => expect !== undefined) === true ? 'known' : 'same'
  }
  return end.verdict === 'pass' || end.verdict === 'healed' ? 'same' : 'none'
}

/**
 * What the case says of one clause. A claim whose step names a clause speaks of that one alone,
 * unless the case could not be played on after it.
 */
export function failuresOf(outcome: Outcome, clause: string): readonly Failure[] {
  if (outcome.failures.some(({ code }) => STOPS.has(code))) return outcome.failures
  return outcome.failures.filter((one) => one.clause === undefined || one.clause === clause)
}

export function contractOn(outcome: Outcome, clause: string): Contract {
  if (outcome.contract !== 'differs') return outcome.contract
  return failuresOf(outcome, clause).length > 0 ? 'differs' : 'holds'
}
