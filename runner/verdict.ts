/** From what was played to a verdict: claims, goldens and known differences, in that order. */
import { differences, type Hunk, hunkText, unifiedDiff } from './compare.ts'
import type { Divergence } from './divergences.ts'
import { hasExpired, pinnedHunks } from './divergences.ts'
import type { Played } from './execute.ts'
import type { Failure, Verdict } from './report/event.ts'

export interface Judged {
  readonly verdict: Verdict
  readonly reason?: string
  readonly failures: readonly Failure[]
}

export interface JudgeOptions {
  /** The accepted transcript; `undefined` when there is none, `null` when goldens are not asked. */
  readonly golden: string | undefined | null
  /** Entries of the target for this case, `not-applicable` ones aside. */
  readonly entries: readonly Divergence[]
  readonly version: string
}

export function judge(played: Played, options: JudgeOptions): Judged {
  const expired = options.entries.find((entry) => hasExpired(entry, options.version))
  if (expired !== undefined) {
    const message = `${expired.place}: the entry has expired at ${expired.until ?? ''}`
    return { verdict: 'fail', failures: [...played.failures, failure('divergence', message)] }
  }
  if (played.end === 'timeout' || played.end === 'error') {
    return { verdict: played.end, failures: played.failures }
  }
  const crashes = options.entries.filter((entry) => entry.crash !== undefined)
  if (played.end === 'crash') return judgeCrash(played, crashes)
  const notCrashed = crashes[0]
  if (notCrashed !== undefined) return healed(played, notCrashed, 'the target no longer dies')
  const excused = judgeClaims(played, options.entries)
  if (excused !== undefined) return excused
  return judgeGolden(played, options)
}

function failure(code: string, message: string, more: Partial<Failure> = {}): Failure {
  return { code, message, phase: '', ...more }
}

function healed(played: Played, entry: Divergence, what: string): Judged {
  const message = `${what}: remove the entry at ${entry.place} (blockspec diverge rm '${entry.scenario}')`
  return {
    verdict: 'healed',
    reason: what,
    failures: [...played.failures, failure('healed', message)],
  }
}

function judgeCrash(played: Played, entries: readonly Divergence[]): Judged {
  const entry = entries.find((known) => known.crash?.trim() === played.crash)
  if (entry !== undefined) return { verdict: 'diverged', reason: entry.why, failures: [] }
  return { verdict: 'crash', failures: played.failures }
}

/** Claims that an entry excuses count as diverged; one that holds again has healed. */
function judgeClaims(played: Played, entries: readonly Divergence[]): Judged | undefined {
  const excused = new Map(
    entries.flatMap((entry) => entry.claims.map((id) => [id, entry] as const)),
  )
  for (const [id, entry] of excused) {
    if (!played.failedSteps.includes(id))
      return healed(played, entry, `the claims of step '${id}' hold`)
  }
  const open = played.failures.filter((one) => one.step === undefined || !excused.has(one.step))
  return open.length > 0 ? { verdict: 'fail', failures: played.failures } : undefined
}

function judgeGolden(played: Played, options: JudgeOptions): Judged {
  const claims = options.entries.find((entry) => entry.claims.length > 0)
  const pinned = options.entries.filter((entry) => entry.expect !== undefined)
  const good: Judged =
    claims === undefined
      ? { verdict: 'pass', failures: [] }
      : { verdict: 'diverged', reason: claims.why, failures: [] }
  if (options.golden === null) return good
  if (options.golden === undefined) {
    return { verdict: 'pending', reason: 'no golden yet', failures: [] }
  }
  const actual = differences(options.golden, played.transcript, 0)
  if (actual.length === 0) {
    const entry = pinned[0]
    return entry === undefined ? good : healed(played, entry, 'the difference is gone')
  }
  const diff = unifiedDiff(options.golden, played.transcript)
  if (pinned.length === 0) {
    const phase = actual[0]?.heading.replace(/^== /, '') ?? ''
    const message = 'the transcript is not what the golden says'
    return { verdict: 'fail', failures: [failure('golden', message, { diff, phase })] }
  }
  return judgePins(pinned, actual, diff)
}

function judgePins(pinned: readonly Divergence[], actual: readonly Hunk[], diff: string): Judged {
  const open = new Set(actual.map(hunkText))
  const lost = pinned.filter((entry) => {
    const hunks = pinnedHunks(entry).map(hunkText)
    const there = hunks.length > 0 && hunks.every((text) => open.has(text))
    if (there) for (const text of hunks) open.delete(text)
    return !there
  })
  const first = lost[0]
  if (first === undefined && open.size === 0) {
    return { verdict: 'diverged', reason: pinned[0]?.why ?? '', failures: [] }
  }
  const where =
    first === undefined ? 'a difference that no entry pins' : `not as pinned at ${first.place}`
  const message = [
    `diverged differently: ${where}`,
    ...(first === undefined ? [] : ['pinned:', first.expect ?? '']),
    'actual:',
    ...actual.map(hunkText),
  ].join('\n')
  return {
    verdict: 'diverged-differently',
    reason: where,
    failures: [failure('divergence', message, { diff })],
  }
}
