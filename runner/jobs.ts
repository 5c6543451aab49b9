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
  /** Of the whole life, as reported; nothing yet for one that is only about to start. */
  state: string | undefined
  /** When the lane was last printed. */
  before: string | undefined
  /** What has been told since then, in order. */
  told: QmpEvent[]
  /** How much of it is about an earlier job of the same name. */
  earlier: number
  /** How much had been told when somebody asked the job to pause: excursions after it are wanted. */
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

/** Events that follow on a state at once, and belong to it. */
const ANNOUNCED: Readonly<Record<string, string>> = {
  ready: 'BLOCK_JOB_READY',
  pending: 'BLOCK_JOB_PENDING',
}

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
    if (type !== undefined) {
      const lane = this.#lane(id)
      lane.type = type
      lane.earlier = lane.told.length
      lane.state = undefined
    }
    if (name !== 'job-pause' && name !== 'block-job-pause') return
    const lane = this.#lane(id)
    lane.askedAfter ??= lane.told.length
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
    const state = stateOf(event)
    const type = text(member(event.data, 'type'))
    if (state !== undefined) lane.state = state
    else if (type !== undefined) lane.type = type
  }

  /**
   * Whether the job has been in one of the states since its lane was last printed, or is in it now;
   * `gone` also holds for one never heard of. A pause counts while it lasts: others come and go with
   * drained sections.
   */
  hasReached(id: string, states: readonly string[]): boolean {
    const lane = this.#lanes.get(id)
    if (lane === undefined) return states.includes(GONE)
    return states.map(asReported).some((wanted) => {
      if (lane.state === wanted) return true
      const states = statesOf(lane.told.slice(lane.earlier))
      return !EXCURSIONS.has(wanted) && states.includes(wanted)
    })
  }

  state(id: string): string | undefined {
    return this.#lanes.get(id)?.state
  }

  /**
   * Takes what the lane has gathered: all of it, or what came until the job was in one of the states,
   * so that it does not matter how much further it has got by now.
   */
  flush(id: string, until: readonly string[] = []): JobNews | undefined {
    const lane = this.#lanes.get(id)
    if (lane === undefined || lane.told.length === 0) return undefined
    const length = lane.earlier + lengthUntil(lane.told.slice(lane.earlier), until)
    const told = lane.told.splice(0, length)
    lane.earlier = 0
    const asked = lane.askedAfter ?? told.length
    const states = [
      ...this.#fold(lane.before, statesOf(told.slice(0, asked))),
      ...statesOf(told.slice(asked)),
    ]
    const events = told.filter((event) => stateOf(event) === undefined)
    lane.before = statesOf(told).at(-1) ?? lane.before
    lane.askedAfter = asked > told.length ? asked - told.length : undefined
    // Another job may have the same name later.
    if (lane.before === 'null') {
      lane.before = undefined
      if (lane.told.length === 0) this.#lanes.delete(id)
    }
    return { id, type: lane.type, states, events, told }
  }

  /** Takes one event out of a lane before the rest, for a step that waits for just it. */
  takeEvent(wanted: QmpEvent): void {
    for (const lane of this.#lanes.values()) {
      const index = lane.told.indexOf(wanted)
      if (index < 0) continue
      lane.told.splice(index, 1)
      if (index < lane.earlier) lane.earlier -= 1
      if (lane.askedAfter !== undefined && index < lane.askedAfter) lane.askedAfter -= 1
    }
  }

  ids(): readonly string[] {
    return [...this.#lanes.keys()].sort()
  }

  #lane(id: string): JobLane {
    const known = this.#lanes.get(id)
    if (known !== undefined) return known
    // Until an event or a command tells.
    const lane: JobLane = {
      type: 'job',
      state: undefined,
      before: undefined,
      told: [],
      earlier: 0,
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

function asReported(state: string): string {
  return state === GONE ? 'null' : state
}

function stateOf(event: QmpEvent): string | undefined {
  if (event.name !== 'JOB_STATUS_CHANGE') return undefined
  return text(member(event.data, 'status')) ?? '?'
}

function statesOf(told: readonly QmpEvent[]): string[] {
  return told.flatMap((event) => stateOf(event) ?? [])
}

/** How many of the events it takes to be in one of the states, with what announces it. */
function lengthUntil(told: readonly QmpEvent[], states: readonly string[]): number {
  const index = told.findIndex((event) => {
    const state = stateOf(event)
    return state !== undefined && !EXCURSIONS.has(state) && states.map(asReported).includes(state)
  })
  const state = told[index] === undefined ? undefined : stateOf(told[index])
  if (state === undefined) return told.length
  return told[index + 1]?.name === ANNOUNCED[state] ? index + 2 : index + 1
}
