/** From what was played to a verdict: claims, goldens and known differences, in that order. */
import { differences, type Hunk, hunkText, joinHunks, unifiedDiff } from './compare.ts'
import type { Divergence } from './divergences.ts'
import { hasExpired, pinnedHunks } from './divergences.ts'
import type { Played } from './execute.ts'
import type { Failure, Verdict } from './report/event.ts'

export interface Judged {
  readonly verdict: Verdict
  readonly reason?: string
  readonly failures: readonly Failure[]
  /** Claims that failed and that `known` excuses. */
  readonly excused?: readonly Failure[]
  /** Entries that were found as pinned. */
  readonly known?: readonly Divergence[]
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
  if (played.end === 'error') return { verdict: 'error', failures: played.failures }
  const crashes = options.entries.filter((entry) => entry.crash !== undefined)
  if (played.end === 'crash' || played.end === 'timeout') {
    return judgeDeath(played, played.end, crashes)
  }
  const notCrashed = crashes[0]
  if (notCrashed !== undefined) return healed(played, notCrashed, 'the target no longer dies')
  const broken = judgeClaims(played, options.entries)
  if (broken !== undefined) return broken
  const judged = judgeGolden(played, options)
  // What is left of the claims that failed has an entry.
  return played.failures.length === 0 ? judged : { ...judged, excused: played.failures }
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

/** A target that is gone, or that answers no more: an entry may know how and where. */
function judgeDeath(
  played: Played,
  verdict: 'crash' | 'timeout',
  entries: readonly Divergence[],
): Judged {
  const entry = entries.find(
    ({ crash }) => crash !== undefined && crash.trim() === played.crash?.trim(),
  )
  if (entry !== undefined) {
    const excused = played.failures
    return { verdict: 'diverged', reason: entry.why, failures: [], excused, known: [entry] }
  }
  return { verdict, failures: played.failures }
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
  const claims = options.entries.filter((entry) => entry.claims.length > 0)
  const [first] = claims
  const pinned = options.entries.filter((entry) => entry.expect !== undefined)
  const good: Judged =
    first === undefined
      ? { verdict: 'pass', failures: [] }
      : { verdict: 'diverged', reason: first.why, failures: [], known: claims }
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
  const judged = judgePins(pinned, actual, diff)
  return judged.verdict === 'diverged'
    ? { ...judged, known: [...new Set([...pinned, ...claims])] }
    : judged
}

/** Each entry must find its very lines, and no line may be left that no entry has. */
function judgePins(pinned: readonly Divergence[], actual: readonly Hunk[], diff: string): Judged {
  const open = new Map(joinHunks(actual).map((hunk) => [hunk.heading, hunkText(hunk)]))
  const met = new Set<string>()
  for (const entry of pinned) {
    const hunks = pinnedHunks(entry)
    if (hunks.length > 0 && hunks.every(({ heading }) => !open.has(heading))) {
      return healedPart(entry, diff)
    }
    const wrong = hunks.find((hunk) => open.get(hunk.heading) !== hunkText(hunk))
    if (wrong !== undefined)
      return differently(`not as pinned at ${entry.place}`, entry, actual, diff)
    for (const { heading } of hunks) met.add(heading)
  }
  if (met.size < open.size) {
    return differently('a difference that no entry pins', undefined, actual, diff)
  }
  return { verdict: 'diverged', reason: pinned[0]?.why ?? '', failures: [] }
}

function healedPart(entry: Divergence, diff: string): Judged {
  const what = `the difference pinned at ${entry.place} is gone`
  return { verdict: 'healed', reason: what, failures: [failure('healed', what, { diff })] }
}

function differently(
  where: string,
  entry: Divergence | undefined,
  actual: readonly Hunk[],
  diff: string,
): Judged {
  const message = [
    `diverged differently: ${where}`,
    ...(entry?.expect === undefined ? [] : ['pinned:', entry.expect.trimEnd()]),
    'actual:',
    ...joinHunks(actual).map(hunkText),
  ].join('\n')
  return {
    verdict: 'diverged-differently',
    reason: where,
    failures: [failure('divergence', message, { diff })],
  }
}
