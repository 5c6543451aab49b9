/** From what a run gave to its exit status. */
import type { Verdict } from '../report/event.ts'
import type { GoldenMode } from '../suite.ts'
import { CommandError, EXIT } from './verb.ts'

export interface Outcome {
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>
  readonly cases: number
  /** Not played although selected, for another reason than `--max-failures`. */
  readonly missing: number
  readonly golden: GoldenMode
  /** `SIGINT` or `SIGTERM`. */
  readonly signal: string | undefined
  readonly maxNotApplicable: Limit | undefined
  readonly failOnFlaky: boolean
}

/** `5` or `10%`. */
export interface Limit {
  readonly number: number
  readonly percent: boolean
}

export function parseLimit(value: string): Limit {
  const [, digits, percent] = /^(\d{1,9}(?:\.\d+)?)(%?)$/.exec(value) ?? []
  if (digits === undefined || (percent === '' && digits.includes('.'))) {
    throw new CommandError('wants N or P%')
  }
  return { number: Number(digits), percent: percent === '%' }
}

/** The status, and a line that explains it where the summary does not. */
export function exitStatus(outcome: Outcome): { readonly status: number; readonly why?: string } {
  const count = (...names: readonly Verdict[]): number =>
    names.reduce((sum, name) => sum + (outcome.verdicts[name] ?? 0), 0)
  if (outcome.signal === 'SIGINT') return { status: EXIT.interrupted, why: 'interrupted' }
  if (outcome.signal !== undefined) return { status: EXIT.terminated, why: 'terminated' }
  if (count('fail', 'crash', 'timeout', 'healed', 'diverged-differently') > 0) {
    return { status: EXIT.failed }
  }
  if (outcome.golden === 'check' && count('pending') > 0) {
    return {
      status: EXIT.failed,
      why: 'goldens are missing: record them with --golden pending, then blockspec review',
    }
  }
  if (count('error') > 0) return { status: EXIT.environment }
  if (outcome.missing > 0) {
    return { status: EXIT.failed, why: `${outcome.missing} selected cases were not played` }
  }
  const limit = outcome.maxNotApplicable
  if (limit !== undefined) {
    const most = limit.percent ? (outcome.cases * limit.number) / 100 : limit.number
    const found = count('n/a')
    if (found > most) {
      const allowed = limit.percent ? `${limit.number}%` : `${limit.number}`
      return {
        status: EXIT.gate,
        why: `${found} of ${outcome.cases} cases are not applicable, --max-na allows ${allowed}`,
      }
    }
  }
  if (outcome.failOnFlaky && count('flaky') > 0) return { status: EXIT.flaky }
  return { status: EXIT.ok }
}
