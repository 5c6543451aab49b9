/**
 * One case while it is played: the running target, what has happened so far, and what every step
 * may use. Steps talk to the target only through here, so that fences, events, deadlines and
 * claims work alike for all of them. Actors of a `together` step have a lane each: a play of its
 * own over the same target, with a transcript and a current step of its own.
 */
import type { Claim, EventClaim, Expectation } from '../dsl/plan-claims.ts'
import type { Condition, Scenario, Span, StepCommon, Suite, Value, Variable } from '../dsl/plan.ts'
import { Claims, type Site } from './claims.ts'
import { holds } from './condition.ts'
import { Configuration } from './configuration.ts'
import { EventStream } from './event-stream.ts'
import { HiddenExports } from './hidden-exports.ts'
import { Images } from './images.ts'
import { Jobs } from './jobs.ts'
import { Life } from './life.ts'
import type { Mismatch, Resolve } from './match.ts'
import { Normaliser } from './normalise.ts'
import type { Shown } from './notation.ts'
import type { Selected } from './selected.ts'
import { GoneError, type QmpEvent, type Reply, type Session } from './session.ts'
import { StepError } from './step-error.ts'
import type { Capabilities, DebugControl, Exit, Machine, Station } from './targets/target.ts'
import type { TaskTrail } from './task-trail.ts'
import { Transcript } from './transcript.ts'
import { type Scope, valueOf } from './variables.ts'

/** Limit of a step that names none. */
const STEP_WITHIN_MS = 5000

export interface PlayOptions {
  readonly selected: Selected
  readonly sources: Suite['sources']
  readonly station: Station
  readonly capabilities: Capabilities
  readonly timeoutScale: number
  readonly onStep?: (phase: string, text: string) => void
  /** The order that a `together` step of all orders plays this time. */
  readonly order?: readonly string[]
  /** Which of several ready tasks of the engine runs, where a schedule says so. */
  readonly trail?: TaskTrail
}

export class Play {
  readonly scenario: Scenario
  readonly selected: Selected
  readonly station: Station
  readonly capabilities: Capabilities
  readonly options: PlayOptions
  readonly transcript = new Transcript()
  readonly normaliser: Normaliser
  readonly images: Images
  readonly hidden: HiddenExports
  readonly jobs: Jobs
  readonly claims: Claims
  readonly scope: Scope
  readonly resolve: Resolve
  /** Nodes that hold a breakpoint, by the name under which requests stop there. */
  readonly breakpoints: Map<string, string>
  readonly configuration: Configuration
  /** The step that is being played, in words. */
  doing = 'start'
  /** The last reply, event or image info, for `save`. */
  last: Value | undefined
  /** A job that the step made an end of. */
  jobToPrint: string | undefined
  /** True in `after`: a bare name is an image. */
  atRest = false
  /** A `crash` has ended the target, so its images may hold what nobody uses. */
  wasKilled = false
  readonly #life: Life
  readonly #events: EventStream
  readonly #saved: Map<string, Value>
  /** One actor's part of a case. */
  readonly isLane: boolean
  #stepWithinMs = STEP_WITHIN_MS
  /** Limit of steps that name none. */
  #usualWithinMs = STEP_WITHIN_MS
  #step: StepCommon | undefined

  /** @param parent - The play that this one is a lane of. */
  constructor(options: PlayOptions, parent?: Play) {
    const { station, selected } = options
    this.options = options
    this.selected = selected
    this.scenario = selected.scenario
    this.station = station
    this.capabilities = options.capabilities
    this.isLane = parent !== undefined
    this.normaliser =
      parent?.normaliser ?? new Normaliser([station.directory, station.socketDirectory])
    this.#saved = parent === undefined ? new Map<string, Value>() : parent.#saved
    this.#life =
      parent === undefined
        ? new Life(station, selected.case.target, options.timeoutScale)
        : parent.#life
    this.breakpoints = parent?.breakpoints ?? new Map<string, string>()
    this.configuration = parent?.configuration ?? new Configuration(selected.case.setup)
    this.images = parent?.images ?? new Images(this)
    this.hidden = parent?.hidden ?? new HiddenExports(this)
    this.jobs =
      parent?.jobs ??
      new Jobs((states) => {
        this.normaliser.count('bounce', states)
      })
    this.scope = {
      image: (name) => this.images.path(name),
      fresh: (name) => this.images.freshPath(name),
      saved: (name) => this.#saved.get(name),
    }
    this.resolve = (variable: Variable) => valueOf(variable, this.scope)
    this.claims =
      parent?.claims ??
      new Claims({
        normaliser: this.normaliser,
        resolve: this.resolve,
        sourceOf: (file) => this.sourceOf(file),
      })
    this.#events =
      parent === undefined
        ? new EventStream({
            life: this.#life,
            jobs: this.jobs,
            normaliser: this.normaliser,
            isStrict: this.scenario.golden.order === 'strict',
            isHidden: (event) => this.hidden.owns(event),
          })
        : parent.#events
  }

  /** The same case as one actor plays it. */
  lane(): Play {
    const lane = new Play(this.options, this)
    lane.transcript.begin(this.transcript.phase)
    lane.transcript.recording = this.transcript.recording
    lane.#usualWithinMs = this.#usualWithinMs
    return lane
  }

  // --- The target ------------------------------------------------------------------------------

  get session(): Session {
    return this.#life.session
  }

  get machine(): Machine | undefined {
    return this.#life.machine
  }

  /** What lets requests of the engine stop and fail while it runs. */
  get debug(): DebugControl | undefined {
    return this.#life.machine?.debug
  }

  get isRunning(): boolean {
    return this.#life.isRunning
  }

  /** Milliseconds that the current step may take. */
  get withinMs(): number {
    return this.#stepWithinMs
  }

  /** Milliseconds in real time grow with the host's slowness; virtual time has none. */
  scaled(ms: number): number {
    return this.#life.scaled(ms)
  }

  /** The scenario has told the target to quit. */
  expectEnd(): void {
    this.#life.endExpected = true
  }

  async start(): Promise<void> {
    this.#events.restart()
    this.hidden.forget()
    this.breakpoints.clear()
    await this.#life.start()
  }

  /** After the target has ended: how. */
  async ended(): Promise<Exit> {
    const { machine } = this.#life
    if (machine === undefined) return {}
    const exit = await this.limit(machine.exited, 'the end of the target')
    this.collectEvents()
    this.#life.forget()
    return exit
  }

  /** Kills the target; what it has said until then counts. */
  async abandon(): Promise<Exit | undefined> {
    this.collectEvents()
    return this.#life.kill()
  }

  /** Ends the target without a word in the transcript. */
  async endQuietly(): Promise<void> {
    this.doing = 'end'
    await this.#life.endQuietly(this.#stepWithinMs)
  }

  /** Pending commands and the last messages. */
  dump(): string {
    return this.#life.dump()
  }

  /** What the target wrote on its standard error. */
  log(): string {
    return this.#life.log()
  }

  /** A command of the runner's own; it leaves nothing in the transcript. */
  ask(command: string, args?: Value): Promise<Reply> {
    return this.#life.ask(command, args, this.#stepWithinMs)
  }

  /** The value of a query that must work. @throws {StepError} */
  async query(command: string, args: Value | undefined, span: Span): Promise<Value> {
    const reply = await this.ask(command, args)
    if (reply.kind === 'return') return reply.value
    throw new StepError(`${command} failed: ${reply.desc}`, span)
  }

  /** Waits within the step's limit for work that might never end. */
  async limit<T>(work: Promise<T>, what: string): Promise<T> {
    return this.#life.limit(work, what, this.#stepWithinMs)
  }

  /** Everything that can happen without time passing has happened. */
  async settle(): Promise<void> {
    if (this.isRunning) await this.session.fence(this.#stepWithinMs)
    if (this.station.advance !== undefined) await this.station.advance(1)
  }

  // --- Steps -----------------------------------------------------------------------------------

  /** Runs one step's work between its fences and judges its events. */
  async step(step: StepCommon, words: string, work: () => Promise<void>): Promise<void> {
    this.#stepWithinMs = this.#life.scaled(step.withinMs ?? this.#usualWithinMs)
    this.#step = step
    this.doing = words
    if (!this.isLane) this.#events.beginStep()
    this.options.onStep?.(this.transcript.phase, words)
    const recorded = this.transcript.recording
    this.transcript.recording = recorded && step.golden
    this.#life.mark()
    try {
      await work()
      await this.#finishStep(step.events)
    } finally {
      this.transcript.recording = recorded
    }
  }

  /** Plays the steps that one step holds: its limit is theirs, and its claims speak of all of them. */
  async around(step: StepCommon, work: () => Promise<void>): Promise<void> {
    const usual = this.#usualWithinMs
    this.#usualWithinMs = step.withinMs ?? usual
    try {
      const events = await this.#events.during(work)
      this.#step = step
      if (step.events !== undefined) this.judgeEvents(step.events, events)
    } finally {
      this.#usualWithinMs = usual
    }
  }

  async #finishStep(claims: readonly EventClaim[] | undefined): Promise<void> {
    await this.fence()
    this.collectEvents()
    if (this.jobToPrint !== undefined) this.printJob(this.jobToPrint)
    this.jobToPrint = undefined
    if (claims !== undefined) this.judgeEvents(claims, this.#events.ofStep)
  }

  /** A target that was asked to quit may be gone before the fence comes back. */
  async fence(): Promise<void> {
    // What has died in this step is told of this step, whoever was first to notice.
    if (!this.isRunning) return this.#life.checkAlive(this.#stepWithinMs)
    try {
      await this.session.fence(this.#stepWithinMs)
    } catch (error) {
      const asked =
        this.#life.endExpected && error instanceof GoneError && error.reason === 'closed'
      if (!asked) throw error
    }
  }

  // --- Events ----------------------------------------------------------------------------------

  /** Moves what has arrived into lanes, and what is not a job's into the transcript. */
  collectEvents(): void {
    this.#events.collect(this.transcript)
  }

  /** Until `releaseEvents` what arrives is kept back: it is nobody's in particular. */
  holdEvents(): void {
    this.#events.hold()
  }

  releaseEvents(): void {
    this.#events.release(this.transcript)
  }

  /** Events that a `wait` has already taken as its own. */
  get waitedFor(): QmpEvent[] {
    return this.#events.waitedFor
  }

  /** Events that are not the runner's own. */
  fresh(all: readonly QmpEvent[]): readonly QmpEvent[] {
    return all.filter((event) => !this.hidden.owns(event))
  }

  /** The event counts as this step's, whenever it arrived. */
  claimEvent(event: QmpEvent): void {
    this.#events.claim(event)
  }

  /** Events since the last `events` step or phase; they begin anew. */
  takeEvents(): readonly QmpEvent[] {
    return this.#events.takeSince()
  }

  printEvent(event: QmpEvent): void {
    this.#events.print(this.transcript, event)
  }

  /**
   * Prints what a job's lane has gathered, or as much of it as led to one of the states. Its events
   * count as this step's.
   */
  printJob(id: string, until?: readonly string[]): void {
    this.collectEvents()
    this.#events.printJob(this.transcript, id, until)
  }

  /** At the end: what no step has waited for. */
  flushJobs(): void {
    for (const id of this.jobs.ids()) this.printJob(id)
  }

  // --- Values and claims -----------------------------------------------------------------------

  save(name: string, value: Value): void {
    this.#saved.set(name, value)
  }

  /** Whether a condition holds for this case on this target. */
  holds(condition: Condition): boolean {
    return holds(condition, this.capabilities, this.scope)
  }

  check(claim: Claim, value: Value | undefined): void {
    this.claims.check(this.#site, claim, value)
  }

  judge(reply: Reply, expect: Expectation): void {
    this.claims.judge(this.#site, reply, expect)
  }

  judgeEvents(claims: readonly EventClaim[], events: readonly QmpEvent[]): void {
    this.claims.events(this.#site, claims, events)
  }

  /** Notes that something is not as the scenario says. */
  blame(code: string, mismatch: Mismatch): void {
    this.claims.blame(this.#site, code, mismatch)
  }

  fail(code: string, message: string, span: Span | undefined): void {
    this.claims.fail(this.#site, code, message, span)
  }

  get #site(): Site {
    return { step: this.#step, phase: this.transcript.phase }
  }

  /** Where the current step stands. */
  get stepSpan(): Span | undefined {
    return this.#step?.span
  }

  sourceOf(file: string): string | undefined {
    if (file === this.scenario.file) return this.scenario.text
    return this.options.sources[file]
  }

  /** A value of a reply as the golden shows it. */
  shown(value: Value, of: string): Shown {
    return this.normaliser.value(value, of)
  }
}
