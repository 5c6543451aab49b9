/**
 * Job lanes. What a job's events say is held back until the scenario waits for the job, and is then
 * one line: its states, without the excursions that nobody asked for.
 */
import type { Value } from '../dsl/plan.ts'
import { isList, member, text } from './json.ts'
import type { QmpEvent } from './session.ts'

/** States as `wait` names them. */
const GONE = 'gone'

interface JobLane {
  type: string
  /** Of the whole life, as reported. */
  state: string
  /** When the lane was last printed. */
  before: string | undefined
  /** Since then. */
  states: string[]
  /** Those that say more than a state. */
  events: QmpEvent[]
  /** All of them, states too. */
  told: QmpEvent[]
  /** The number of states when somebody asked the job to pause: excursions after it are wanted. */
  askedAfter: number | undefined
}

/** What a lane has to print. */
export interface JobNews {
  readonly id: string
  readonly type: string
  readonly states: readonly string[]
  readonly events: readonly QmpEvent[]
  /** Every event of the lane, those about states too. */
  readonly told: readonly QmpEvent[]
}

/** The kind of job that a command starts, where its events do not say. */
const STARTED_BY: Readonly<Record<string, string>> = {
  'blockdev-create': 'create',
  'blockdev-backup': 'backup',
  'drive-backup': 'backup',
  'blockdev-mirror': 'mirror',
  'drive-mirror': 'mirror',
  'block-commit': 'commit',
  'block-stream': 'stream',
  'x-blockdev-amend': 'amend',
}

const EXCURSIONS = new Set(['paused', 'standby'])

export class Jobs {
  readonly #lanes = new Map<string, JobLane>()
  /** Told each time an excursion is left out. */
  readonly #folded: (states: number) => void

  constructor(folded: (states: number) => void) {
    this.#folded = folded
  }

  /** Notes what a command that the scenario sends means for jobs. */
  command(name: string, args: Value | undefined): void {
    if (name === 'transaction') this.#actions(member(args, 'actions'))
    const id =
      text(member(args, 'job-id')) ?? text(member(args, 'id')) ?? text(member(args, 'device'))
    if (id === undefined) return
    const type = STARTED_BY[name]
    if (type !== undefined) this.#lane(id).type = type
    if (name !== 'job-pause' && name !== 'block-job-pause') return
    const lane = this.#lane(id)
    lane.askedAfter ??= lane.states.length
  }

  #actions(actions: Value | undefined): void {
    if (!isList(actions)) return
    for (const action of actions) {
      const name = text(member(action, 'type'))
      if (name !== undefined && name !== 'transaction') this.command(name, member(action, 'data'))
    }
  }

  take(id: string, event: QmpEvent): void {
    const lane = this.#lane(id)
    lane.told.push(event)
    if (event.name === 'JOB_STATUS_CHANGE') {
      const state = text(member(event.data, 'status')) ?? '?'
      lane.state = state
      lane.states.push(state)
      return
    }
    const type = text(member(event.data, 'type'))
    if (type !== undefined) lane.type = type
    lane.events.push(event)
  }

  /** Whether the job is in one of the states now; `gone` also holds for one never heard of. */
  isIn(id: string, states: readonly string[]): boolean {
    const state = this.#lanes.get(id)?.state
    return states.some((wanted) =>
      wanted === GONE ? state === 'null' || state === undefined : state === wanted,
    )
  }

  isKnown(id: string): boolean {
    return (this.#lanes.get(id)?.states.length ?? 0) > 0 || this.#lanes.get(id)?.state !== undefined
  }

  state(id: string): string | undefined {
    return this.#lanes.get(id)?.state
  }

  /** Takes what the lane has gathered. */
  flush(id: string): JobNews | undefined {
    const lane = this.#lanes.get(id)
    if (lane === undefined || (lane.states.length === 0 && lane.events.length === 0))
      return undefined
    const unasked = lane.states.slice(0, lane.askedAfter)
    const states = [...this.#fold(lane.before, unasked), ...lane.states.slice(unasked.length)]
    const news = { id, type: lane.type, states, events: lane.events, told: lane.told }
    lane.before = lane.state
    lane.states = []
    lane.events = []
    lane.told = []
    lane.askedAfter = undefined
    // Another job may have the same name later.
    if (lane.state === 'null') this.#lanes.delete(id)
    return news
  }

  /** Takes one event out of a lane before the rest, for a step that waits for just it. */
  takeEvent(wanted: QmpEvent): void {
    for (const lane of this.#lanes.values()) {
      lane.events = lane.events.filter((event) => event !== wanted)
      lane.told = lane.told.filter((event) => event !== wanted)
    }
  }

  ids(): readonly string[] {
    return [...this.#lanes.keys()].sort()
  }

  #lane(id: string): JobLane {
    const known = this.#lanes.get(id)
    if (known !== undefined) return known
    // Until an event or a command tells.
    const lane = {
      type: 'job',
      state: 'undefined',
      before: undefined,
      states: [],
      events: [],
      told: [],
      askedAfter: undefined,
    }
    this.#lanes.set(id, lane)
    return lane
  }

  /**
   * `running paused running` is `running`: what a drained section does to every job, also when the
   * first of the three has been printed before.
   */
  #fold(before: string | undefined, states: readonly string[]): string[] {
    const known = before === undefined ? [] : [before]
    const kept = [...known]
    for (const state of states) {
      const between = kept.at(-1)
      if (between !== undefined && EXCURSIONS.has(between) && kept.at(-2) === state) {
        kept.pop()
        this.#folded(2)
      } else {
        kept.push(state)
      }
    }
    return kept.slice(known.length)
  }
}
