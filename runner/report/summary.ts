/** The end of a run in at most twelve lines: what broke, what changed, numbers, what to do next. */
import type { CaseEnd, RunEvent } from './event.ts'
import { counted, duration, isBroken, verdictCounts, VERDICT_WORD } from './reporter.ts'

const MOST_BROKEN = 3
const MOST_REASONS = 3

/** What a summary is made of, collected while the run goes on. */
export class Tally {
  readonly broken: CaseEnd[] = []
  readonly #reasons = new Map<string, number>()
  readonly #normalised = new Map<string, number>()
  #pending = 0
  #unconfirmed = 0
  #start: Extract<RunEvent, { event: 'run-start' }> | undefined

  add(event: RunEvent): void {
    if (event.event === 'run-start') this.#start = event
    if (event.event !== 'case-end') return
    if (isBroken(event)) this.broken.push(event)
    if (event.verdict === 'pending') this.#pending += 1
    if (event.unconfirmed === true) this.#unconfirmed += 1
    if (event.verdict === 'n/a') count(this.#reasons, event.reason ?? 'not applicable', 1)
    for (const [name, times] of Object.entries(event.normalised)) {
      count(this.#normalised, name, times)
    }
  }

  lines(end: Extract<RunEvent, { event: 'run-end' }>): readonly string[] {
    return [
      ...this.#brokenLines(),
      ...this.#reasonLines(),
      ...this.#maskLines(),
      ...(this.#unconfirmed === 0
        ? []
        : [
            `unconfirmed: the goldens of ${counted(this.#unconfirmed, 'case')} come from the engine alone`,
          ]),
      this.#numbers(end),
      ...(this.#pending === 0
        ? []
        : [`next: blockspec review   (${counted(this.#pending, 'case')} without a golden)`]),
    ]
  }

  #brokenLines(): readonly string[] {
    const shown = this.broken.slice(0, MOST_BROKEN)
    const rest = this.broken.length - shown.length
    const lines = shown.map(({ verdict, id }) => `${VERDICT_WORD[verdict]} ${id}`)
    return rest === 0 ? lines : [...lines, `… and ${rest} more`]
  }

  #reasonLines(): readonly string[] {
    const reasons = [...this.#reasons].sort(([, a], [, b]) => b - a)
    const shown = reasons.slice(0, MOST_REASONS)
    const rest = reasons.slice(MOST_REASONS).reduce((sum, [, times]) => sum + times, 0)
    const lines = shown.map(([reason, times]) => `n/a ${times}: ${reason}`)
    return rest === 0 ? lines : [...lines, `n/a ${rest}: other reasons (-v lists them)`]
  }

  #maskLines(): readonly string[] {
    const masks = [...this.#normalised].filter(([, times]) => times > 0)
    if (masks.length === 0) return []
    const text = masks.map(([name, times]) => `${name} ${times}`).sort()
    return [`normalised: ${text.join(', ')}`]
  }

  #numbers(end: Extract<RunEvent, { event: 'run-end' }>): string {
    const missing = (this.#start?.cases ?? end.cases) - end.cases
    const cut = missing > 0 ? `, ${missing} not run` : ''
    const on = this.#start === undefined ? '' : ` on ${this.#start.target}`
    const how =
      this.#start === undefined ? '' : ` (seed ${this.#start.seed}, -j ${this.#start.jobs})`
    const time = end.seconds >= 1 ? ` in ${duration(end.seconds)}` : ''
    return `${counted(end.cases, 'case')}${on}${time}${how}: ${verdictCounts(end.verdicts)}${cut}`
  }
}

function count(map: Map<string, number>, key: string, times: number): void {
  map.set(key, (map.get(key) ?? 0) + times)
}
