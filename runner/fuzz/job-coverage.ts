/** What a run has done with jobs: how often each kind was started, and each verb on each kind. Pure. */
import { text } from '../json.ts'
import { JOB_KINDS, JOB_VERBS, startedKinds, takes, verbOf } from './job-kinds.ts'
import type { StepRecord } from './record.ts'
import type { FuzzStep } from './step.ts'

interface Count {
  readonly count: number
  readonly accepted: number
}

export class JobCoverage {
  readonly #started = new Map(JOB_KINDS.map((kind) => [kind, 0]))
  readonly #verbs = new Map<string, Count>()

  /** Starts that were accepted, by kind. */
  get started(): ReadonlyMap<string, number> {
    return this.#started
  }

  /** Of a verb on jobs of the kind that existed then. */
  verb(kind: string, verb: string): Count {
    return this.#verbs.get(`${kind} ${verb}`) ?? { count: 0, accepted: 0 }
  }

  add(steps: readonly FuzzStep[], records: readonly StepRecord[]): void {
    records.forEach((record, at) => {
      const step = steps[at]
      if (step?.kind !== 'qmp') return
      if (record.accepted) {
        for (const kind of startedKinds(step.command, step.args)) {
          this.#started.set(kind, (this.#started.get(kind) ?? 0) + 1)
        }
      }
      const verb = verbOf(step.command)
      const id = text(step.args?.['id']) ?? text(step.args?.['device'])
      const job = records[at - 1]?.jobs?.find((each) => each.id === id)
      if (verb === undefined || job === undefined) return
      const { count, accepted } = this.verb(job.type, verb)
      this.#verbs.set(`${job.type} ${verb}`, {
        count: count + 1,
        accepted: accepted + (record.accepted ? 1 : 0),
      })
    })
  }

  /** Those that a run must have: subject, how often it was seen, and whether it is a start or a verb. */
  demanded(): readonly {
    readonly subject: string
    readonly kind: string
    readonly count: number
    readonly isStart: boolean
  }[] {
    return JOB_KINDS.flatMap((kind) => [
      { subject: `job ${kind}`, kind, count: this.#started.get(kind) ?? 0, isStart: true },
      ...JOB_VERBS.filter((verb) => takes(kind, verb)).map((verb) => ({
        subject: `verb ${kind}.${verb}`,
        kind,
        count: this.verb(kind, verb).accepted,
        isStart: false,
      })),
    ])
  }

  /** One row for each kind: its starts, then accepted and asked for each verb. */
  rows(): readonly (readonly string[])[] {
    return [
      ['job', 'started', ...JOB_VERBS],
      ...JOB_KINDS.map((kind) => [
        kind,
        String(this.#started.get(kind) ?? 0),
        ...JOB_VERBS.map((verb) => {
          const { count, accepted } = this.verb(kind, verb)
          return `${String(accepted)}/${String(count)}`
        }),
      ]),
    ]
  }
}
