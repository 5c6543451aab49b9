/**
 * Waits until every job is at rest, so that what a step has set going is over before either side is
 * looked at. A job is at rest where only a command, a request or another job can move it: it is held
 * back, has come to its end, is ready with nothing left to copy, or waits by its nature or for ages.
 */
import type { Value } from '../../dsl/plan.ts'
import { isList, isMap, isNumber, member, text } from '../json.ts'
import type { Play } from '../play.ts'
import { DeadlineError } from '../session.ts'
import { readJobs } from './state.ts'

/** What a step may set going takes no longer, in milliseconds. */
const WITHIN_MS = 5000
/** From one look to the next, in milliseconds, unless an event comes first. */
const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 20
/** For which a job that its speed holds back must not have moved: a ready one looks around ten times a second. */
const STILL_MS = { running: 60, ready: 250 } as const

/** Nothing but a command, another job or a request moves a job on from these. */
const RESTING = new Set(['paused', 'standby', 'pending', 'concluded', 'null'])

/** Commands that start jobs with several requests under way. */
const PARALLEL = new Set([
  'blockdev-backup',
  'blockdev-mirror',
  'block-commit',
  'drive-backup',
  'drive-mirror',
])

/** Answers to the queries about jobs. */
export interface JobsQueried {
  readonly jobs: Value
  readonly blockJobs: Value
}

type Rest = 'rests' | 'moves' | keyof typeof STILL_MS

export class JobSettler {
  readonly #play: Play
  /** Backups that only wait for others to write. */
  readonly #waiting = new Set<string>()
  #hasParallel = false

  constructor(play: Play) {
    this.#play = play
  }

  /**
   * Whether a job has copied several pieces side by side: what comes first decides where an image
   * keeps it, and that is up to the machine.
   */
  get hasParallel(): boolean {
    return this.#hasParallel
  }

  /** A command was accepted: jobs that do nothing by themselves are known by their arguments. */
  note(command: string, args: Value | undefined): void {
    if (command === 'transaction') {
      const actions = member(args, 'actions')
      for (const action of isList(actions) ? actions : []) {
        const type = text(member(action, 'type'))
        if (type !== undefined && type !== command) this.note(type, member(action, 'data'))
      }
      return
    }
    this.#hasParallel ||= PARALLEL.has(command) || names(args, 'compress')
    const id = text(member(args, 'job-id')) ?? text(member(args, 'device'))
    if (id === undefined) return
    if (member(args, 'sync') === 'none') this.#waiting.add(id)
    else if (member(args, 'sync') !== undefined) this.#waiting.delete(id)
  }

  /** @throws {DeadlineError} when some job never comes to rest. */
  async settle(): Promise<JobsQueried> {
    const { clock } = this.#play.station.host
    const startNs = clock.nowNs()
    let pauseMs = FIRST_PAUSE_MS
    let before = ''
    let sinceNs = startNs
    for (;;) {
      await this.#play.settle()
      const known = this.#play.session.events.length
      const queried = await this.#query()
      const jobs = list(queried.jobs)
      if (jobs.length === 0) return queried
      const look = `${String(known)} ${shown(queried)}`
      if (look !== before) sinceNs = clock.nowNs()
      const stillMs = (clock.nowNs() - sinceNs) / 1e6
      const rests = await this.#rests(queried)
      // Seen twice: what a job does in its turn after a command is over.
      if (look === before && rests.every((rest) => isEnough(rest, stillMs))) return queried
      before = look
      if ((clock.nowNs() - startNs) / 1e6 > this.#play.scaled(WITHIN_MS)) {
        const left = jobs.filter((_job, at) => !isEnough(rests[at] ?? 'moves', stillMs))
        const words = left.map((job) => `${type(job)} ${text(member(job, 'status')) ?? ''}`)
        throw new DeadlineError(`jobs did not come to rest: ${words.join(', ')}`)
      }
      await this.#pause(known, pauseMs)
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
    }
  }

  async #query(): Promise<JobsQueried> {
    const jobs = await this.#ask('query-jobs')
    return { jobs, blockJobs: list(jobs).length === 0 ? [] : await this.#ask('query-block-jobs') }
  }

  async #ask(command: string): Promise<Value> {
    const reply = await this.#play.ask(command)
    return reply.kind === 'return' ? reply.value : reply.desc
  }

  async #rests({ jobs, blockJobs }: JobsQueried): Promise<readonly Rest[]> {
    const states = readJobs(jobs)
    const hasReady = states.some(({ status }) => status === 'ready')
    // Beside a stream, which may be concluded by then, it shows only in the mirror's being still.
    const mayLook = !states.some(({ type }) => type === 'stream')
    const isClean = !hasReady || (mayLook && !hasDirty(await this.#ask('query-named-block-nodes')))
    return list(jobs).map((job) => {
      const id = text(member(job, 'id')) ?? ''
      const block = list(blockJobs).find((each) => member(each, 'device') === id)
      return this.#rest(id, job, block, isClean)
    })
  }

  #rest(id: string, job: Value, block: Value | undefined, isClean: boolean): Rest {
    const status = text(member(job, 'status')) ?? ''
    // One that waits for others of its group comes on once they have.
    if (RESTING.has(status) || status === 'waiting') return 'rests'
    const isSlow = isNumber(member(block, 'speed')) && Number(member(block, 'speed')) > 0
    if (status === 'ready') {
      // One that was told to end may still be flushing what it has written.
      if (member(block, 'busy') === true) return 'moves'
      const isDone = member(job, 'current-progress') === member(job, 'total-progress')
      if (isDone && isClean) return 'rests'
      // The bitmap may be another job's, one that is paused.
      return isSlow || isDone ? 'ready' : 'moves'
    }
    if (status !== 'running') return 'moves'
    if (type(job) === 'backup' && this.#waiting.has(id)) return 'rests'
    return isSlow && member(block, 'busy') === false ? 'running' : 'moves'
  }

  /** Until something is told, or for as long as this. */
  async #pause(known: number, ms: number): Promise<void> {
    const { session } = this.#play
    await session
      .waitFor(() => session.events.length > known, ms, 'an event')
      .catch((error: unknown) => {
        if (!(error instanceof DeadlineError)) throw error
      })
  }
}

/** Whether a node of this driver is spoken of: it too writes an image's clusters side by side. */
function names(value: Value | undefined, driver: string): boolean {
  if (isList(value)) return value.some((item) => names(item, driver))
  if (!isMap(value)) return false
  return value['driver'] === driver || Object.values(value).some((inner) => names(inner, driver))
}

function isEnough(rest: Rest, stillMs: number): boolean {
  if (rest === 'rests' || rest === 'moves') return rest === 'rests'
  return stillMs >= STILL_MS[rest]
}

/** Whether something was written that a mirror has yet to copy: its bitmap has no name. */
function hasDirty(named: Value): boolean {
  return list(named).some((node) =>
    list(member(node, 'dirty-bitmaps')).some(
      (map) =>
        member(map, 'name') === undefined &&
        member(map, 'recording') === true &&
        Number(member(map, 'count') ?? 0) > 0,
    ),
  )
}

function type(job: Value): string {
  return text(member(job, 'type')) ?? ''
}

function shown(queried: JobsQueried): string {
  return JSON.stringify(queried, (_name, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}

function list(value: Value | undefined): readonly Value[] {
  return isList(value) ? value : []
}
