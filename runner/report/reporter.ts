/**
 * What a reporter is: a machine that turns each event of a run into text to append somewhere.
 * Given the same events it writes the same text; clocks and terminals are handed in.
 */
import type { CaseEnd, RunEvent, Verdict } from './event.ts'

export interface Reporter {
  /** The text to append for this event, often none. */
  on(event: RunEvent): string
  /** Called now and then while nothing happens; for live lines and heartbeats. */
  tick?(): string
}

/** Verdicts that make a run end with a failure. `pending` counts only where goldens are checked. */
export const BROKEN: ReadonlySet<Verdict> = new Set<Verdict>([
  'fail',
  'error',
  'timeout',
  'crash',
  'healed',
  'diverged-differently',
])

/** All verdicts in the order in which summaries name them: what broke, what changed, the rest. */
export const VERDICT_ORDER: readonly Verdict[] = [
  'fail',
  'crash',
  'timeout',
  'error',
  'diverged-differently',
  'healed',
  'flaky',
  'pending',
  'pass',
  'diverged',
  'n/a',
]

/** The word that a line about a case starts with. */
export const VERDICT_WORD: Readonly<Record<Verdict, string>> = {
  pass: 'ok',
  fail: 'FAIL',
  error: 'ERROR',
  timeout: 'TIMEOUT',
  crash: 'CRASH',
  diverged: 'diverged',
  healed: 'HEALED',
  'diverged-differently': 'DIVERGED DIFFERENTLY',
  'n/a': 'n/a',
  pending: 'pending',
  flaky: 'FLAKY',
}

export function isBroken(end: CaseEnd): boolean {
  return BROKEN.has(end.verdict)
}

/** `2 fail, 78 pass`: verdicts that occurred, in the order of `VERDICT_ORDER`. */
export function verdictCounts(verdicts: Readonly<Partial<Record<Verdict, number>>>): string {
  const parts = VERDICT_ORDER.flatMap((verdict) => {
    const count = verdicts[verdict] ?? 0
    return count === 0 ? [] : [`${count} ${verdict.replace('-', ' ')}`]
  })
  return parts.length === 0 ? 'nothing' : parts.join(', ')
}

/** The first line of a text. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

/** `1.2 s`, `3 min 4 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

/** `1 case`, `2 cases`. */
export function counted(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}
