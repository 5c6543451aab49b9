/**
 * One case while it is played: the running target, what has happened so far, and what every step
 * may use. Steps talk to the target only through here, so that fences, events, deadlines and
 * claims work alike for all of them.
 */
import { excerpt } from '../dsl/index.ts'
import type {
  Claim,
  Condition,
  EventClaim,
  Expectation,
  Scenario,
  Span,
  StepCommon,
  Suite,
  Value,
  Variable,
} from '../dsl/plan.ts'
import { HiddenExports } from './hidden-exports.ts'
import { Images } from './images.ts'
import { eventMismatches } from './event-claims.ts'
import { Jobs, type JobNews } from './jobs.ts'
import { sameValue } from './json.ts'
import { laneOf } from './lanes.ts'
import { brief, type Mismatch, mismatches, type Resolve } from './match.ts'
import { compareNames, Normaliser } from './normalise.ts'
import { isShownMap, type Shown } from './notation.ts'
import type { Failure } from './report/event.ts'
import type { Selected } from './suite.ts'
import { DeadlineError, GoneError, type QmpEvent, type Reply, Session } from './session.ts'
import { StepError } from './step-error.ts'
import { versionHolds } from './targets/capabilities.ts'
import type { Capabilities, Exit, Machine, Station } from './targets/target.ts'
import { Transcript } from './transcript.ts'
import { resolveTemplate, type Scope, valueOf } from './variables.ts'

/** Limit of a step that names none. */
const STEP_WITHIN_MS = 5000

export interface PlayOptions {
  readonly selected: Selected
  readonly sources: Suite['sources']
  readonly station: Station
  readonly capabilities: Capabilities
  readonly timeoutScale: number
  readonly onStep?: (phase: string, text: string) => void
}

export class Play {
  readonly scenario: Scenario
  readonly selected: Selected
  readonly station: Station
  readonly capabilities: Capabilities
  readonly transcript = new Transcript()
  readonly normaliser: Normaliser
  readonly images: Images
  readonly hidden: HiddenExports
  readonly jobs: Jobs
  readonly failures: Failure[] = []
  readonly scope: Scope
  readonly resolve: Resolve
  /** Steps that claims failed in, by id: what divergences may excuse. */
  readonly failedSteps: string[] = []
  /** The step that is being played, in words. */
  doing = 'start'
  /** The last reply, event or image info, for `save`. */
  last: Value | undefined
  /** The scenario has told the target to quit. */
  endExpected = false
  /** A job that the step made an end of. */
  jobToPrint: string | undefined
  /** True in `after`: a bare name is an image. */
  atRest = false
  readonly #options: PlayOptions
  readonly #saved = new Map<string, Value>()
  #machine: Machine | undefined
  #session: Session | undefined
  #cursor = 0
  #lastDump = ''
  #lastLog = ''
  #stepWithinMs = STEP_WITHIN_MS
  /** Events that a step printed out of order, and that belong to it. */
  #stepEvents: QmpEvent[] = []
  #stepSpan: StepCommon | undefined

  constructor(options: PlayOptions) {
    const { station, selected } = options
    this.#options = options
    this.selected = selected
    this.scenario = selected.scenario
    this.station = station
    this.capabilities = options.capabilities
    this.normaliser = new Normaliser([station.directory, station.socketDirectory])
    this.images = new Images(this)
    this.hidden = new HiddenExports(this)
    this.jobs = new Jobs((states) => {
      this.normaliser.count('bounce', states)
    })
    this.scope = {
      image: (name) => this.images.path(name),
      fresh: (name) => this.images.freshPath(name),
      saved: (name) => this.#saved.get(name),
    }
    this.resolve = (variable: Variable) => valueOf(variable, this.scope)
  }

  // --- The target ------------------------------------------------------------------------------

  get session(): Session {
    if (this.#session === undefined) throw new GoneError('the target does not run', 'closed')
    return this.#session
  }

  get machine(): Machine | undefined {
    return this.#machine
  }

  get isRunning(): boolean {
    return this.#session !== undefined && this.#session.gone === undefined
  }

  /** Milliseconds that the current step may take. */
  get withinMs(): number {
    return this.#stepWithinMs
  }

  async start(): Promise<void> {
    this.#machine = await this.station.start(this.selected.case.target)
    this.#session = new Session(this.#machine.monitor, this.station.host.clock)
    this.#cursor = 0
    this.hidden.forget()
    this.endExpected = false
    await this.#session.negotiate(this.#scaled(10_000))
  }

  /** After the target has ended: how. */
  async ended(): Promise<Exit> {
    const machine = this.#machine
    if (machine === undefined) return {}
    const exit = await this.limit(machine.exited, 'the end of the target')
    this.#remember()
    this.collectEvents()
    this.#session?.close()
    this.#session = undefined
    this.#machine = undefined
    return exit
  }

  /** Forgets a target that died, without waiting. */
  async abandon(): Promise<Exit | undefined> {
    const machine = this.#machine
    this.#remember()
    this.collectEvents()
    this.#session?.close()
    this.#session = undefined
    if (machine === undefined) return undefined
    this.#machine = undefined
    machine.kill()
    return machine.exited
  }

  /** Ends the target without a word in the transcript. */
  async endQuietly(): Promise<void> {
    const machine = this.#machine
    this.#remember()
    this.#session?.close()
    this.#session = undefined
    this.#machine = undefined
    if (machine === undefined) return
    this.doing = 'end'
    await this.limit(machine.stop(), 'the end of the target')
    const { signal } = await machine.exited
    // A target may also die of its own shutdown.
    if (signal !== undefined && signal !== 'SIGTERM') {
      this.#machine = machine
      throw new GoneError(`the target died of ${signal}`, 'closed')
    }
  }

  /** Pending commands and the last messages. */
  dump(): string {
    return this.#session?.dump() ?? this.#lastDump
  }

  /** What the target wrote on its standard error. */
  log(): string {
    return this.#machine?.log() ?? this.#lastLog
  }

  #remember(): void {
    this.#lastDump = this.#session?.dump() ?? this.#lastDump
    this.#lastLog = this.#machine?.log() ?? this.#lastLog
  }

  /** A command of the runner's own; it leaves nothing in the transcript. */
  ask(command: string, args?: Value): Promise<Reply> {
    return this.session.command(command, args, this.#stepWithinMs)
  }

  /** The value of a query that must work. @throws {StepError} */
  async query(command: string, args: Value | undefined, span: Span): Promise<Value> {
    const reply = await this.ask(command, args)
    if (reply.kind === 'return') return reply.value
    throw new StepError(`${command} failed: ${reply.desc}`, span)
  }

  /** Waits within the step's limit for work that might never end. */
  async limit<T>(work: Promise<T>, what: string): Promise<T> {
    const { clock } = this.station.host
    const gone = this.#session
    return new Promise<T>((resolve, reject) => {
      const timer = clock.after(this.#stepWithinMs * 1e6, () => {
        const error = gone?.gone
        reject(
          error ?? new DeadlineError(`${what} did not end within ${String(this.#stepWithinMs)} ms`),
        )
      })
      work.then(
        (value) => {
          timer.cancel()
          resolve(value)
        },
        (error: unknown) => {
          timer.cancel()
          // The work is a promise of the engine or the host; what it threw stays what it is.
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
    })
  }

  /** Everything that can happen without time passing has happened. */
  async settle(): Promise<void> {
    if (this.isRunning) await this.session.fence(this.#stepWithinMs)
    if (this.station.advance !== undefined) await this.station.advance(1)
  }

  // --- Steps -----------------------------------------------------------------------------------

  /** Runs one step's work between its fences and judges its events. */
  async step(step: StepCommon, words: string, work: () => Promise<void>): Promise<void> {
    this.#stepWithinMs = this.#scaled(step.withinMs ?? STEP_WITHIN_MS)
    this.#stepSpan = step
    this.doing = words
    this.#stepEvents = []
    this.#options.onStep?.(this.transcript.phase, words)
    const recorded = this.transcript.recording
    this.transcript.recording = recorded && step.golden
    this.#session?.mark()
    try {
      await work()
      await this.#finishStep(step.events)
    } finally {
      this.transcript.recording = recorded
    }
  }

  async #finishStep(claims: readonly EventClaim[] | undefined): Promise<void> {
    await this.#fence()
    this.collectEvents()
    if (this.jobToPrint !== undefined) this.printJob(this.jobToPrint)
    this.jobToPrint = undefined
    if (claims === undefined) return
    this.judgeEvents(claims, this.#stepEvents)
  }

  /** A target that was asked to quit may be gone before the fence comes back. */
  async #fence(): Promise<void> {
    if (!this.isRunning) return
    try {
      await this.session.fence(this.#stepWithinMs)
    } catch (error) {
      const asked = this.endExpected && error instanceof GoneError && error.reason === 'closed'
      if (!asked) throw error
    }
  }

  judgeEvents(claims: readonly EventClaim[], events: readonly QmpEvent[]): void {
    const ordered = [...events].sort((a, b) => a.index - b.index)
    for (const mismatch of eventMismatches(claims, ordered, this.resolve)) {
      this.blame('claim', mismatch)
    }
  }

  /** Moves what has arrived into lanes, and what is not a job's into the transcript. */
  collectEvents(): void {
    const arrived = this.#session?.events.slice(this.#cursor) ?? []
    this.#cursor += arrived.length
    const printed: { readonly lane: string; readonly event: QmpEvent }[] = []
    const strict = this.scenario.golden.order === 'strict'
    for (const event of arrived) {
      if (this.hidden.owns(event) || this.normaliser.drops(event.name)) continue
      this.normaliser.count('time')
      this.sinceEvents.push(event)
      this.#stepEvents.push(event)
      const lane = laneOf(event.name, event.data)
      if (lane.kind === 'job') this.jobs.take(lane.name, event)
      if (lane.kind === 'job' && !strict) continue
      printed.push({ lane: lane.name, event })
    }
    if (!strict) printed.sort((a, b) => compareNames(a.lane, b.lane))
    for (const { event } of printed) this.printEvent(event)
  }

  /** Events that a `wait` has already taken as its own. */
  readonly waitedFor: QmpEvent[] = []

  /** Those of the events that are not older than the step's beginning, or that no wait has taken. */
  fresh(all: readonly QmpEvent[]): readonly QmpEvent[] {
    return all.filter((event) => !this.hidden.owns(event))
  }

  /** The event counts as this step's, whenever it arrived. */
  claimEvent(event: QmpEvent): void {
    if (!this.#stepEvents.includes(event)) this.#stepEvents.push(event)
  }

  /** Events since the last `events` step or phase. */
  sinceEvents: QmpEvent[] = []

  printEvent(event: QmpEvent): void {
    const data = this.normaliser.value(event.data, `event ${event.name}`)
    this.transcript.add({ kind: 'event', name: event.name, data: isShownMap(data) ? data : {} })
  }

  /** Prints what a job's lane has gathered. Its events count as this step's. */
  printJob(id: string): void {
    this.collectEvents()
    if (this.scenario.golden.order === 'strict') return
    const news = this.jobs.flush(id)
    if (news !== undefined) this.#printNews(news)
  }

  /** At the end: what no step has waited for. */
  flushJobs(): void {
    for (const id of this.jobs.ids()) this.printJob(id)
  }

  #printNews(news: JobNews): void {
    if (news.states.length > 0) {
      this.transcript.add({ kind: 'job', id: news.id, type: news.type, states: news.states })
    }
    for (const event of news.events) {
      this.printEvent(event)
      if (!this.#stepEvents.includes(event)) this.#stepEvents.push(event)
    }
  }

  save(name: string, value: Value): void {
    this.#saved.set(name, value)
  }

  /** Whether a condition holds for this case on this target. */
  holds(condition: Condition): boolean {
    switch (condition.kind) {
      case 'constant':
        return condition.value
      case 'has':
        return this.capabilities.missing(condition.need) === undefined
      case 'version':
        return versionHolds(this.capabilities.version, condition.operator, condition.version)
      case 'compare': {
        const left = resolveTemplate(condition.left, this.scope)
        const right = resolveTemplate(condition.right, this.scope)
        return sameValue(left, right) === condition.equal
      }
      case 'not':
        return !this.holds(condition.condition)
      case 'and':
        return condition.conditions.every((part) => this.holds(part))
      case 'or':
        return condition.conditions.some((part) => this.holds(part))
    }
  }

  // --- Claims ----------------------------------------------------------------------------------

  /** Holds a value against a claim. */
  check(claim: Claim, value: Value | undefined): void {
    for (const mismatch of mismatches(claim.match, value, this.resolve)) {
      this.blame('claim', mismatch)
    }
  }

  /** Holds a reply against what was expected of it. */
  judge(reply: Reply, expect: Expectation): void {
    if (expect.kind === 'any') return
    if (expect.kind === 'ok') {
      if (reply.kind === 'return') return
      const message = `expected ok, got ${reply.class}: ${this.normaliser.prose(reply.desc)}`
      this.blame('reply', { span: expect.span, message })
      return
    }
    if (reply.kind === 'return') {
      const message = `expected an error, got ok: ${brief(reply.value)}`
      this.blame('reply', { span: expect.span, message })
      return
    }
    if (expect.class !== undefined && expect.class !== reply.class) {
      const message = `expected ${expect.class}, got ${reply.class}: ${this.normaliser.prose(reply.desc)}`
      this.blame('reply', { span: expect.classSpan ?? expect.span, message })
      return
    }
    if (expect.text === undefined) return
    for (const { message } of mismatches(expect.text.match, reply.desc, this.resolve)) {
      this.blame('reply', { span: expect.text.span, message })
    }
  }

  /** Notes that something is not as the scenario says. */
  blame(code: string, mismatch: Mismatch): void {
    this.fail(code, this.normaliser.prose(mismatch.message), mismatch.span)
    const id = this.#stepSpan?.id
    if (id !== undefined) this.failedSteps.push(id)
  }

  fail(code: string, message: string, span: Span | undefined): void {
    const text = span === undefined ? undefined : this.sourceOf(span.file)
    this.failures.push({
      code,
      message,
      phase: this.transcript.phase,
      ...(this.#stepSpan?.id === undefined ? {} : { step: this.#stepSpan.id }),
      ...(span === undefined
        ? {}
        : { place: { file: span.file, line: span.line, column: span.column } }),
      ...(span === undefined || text === undefined
        ? {}
        : { excerpt: excerpt(text, span).join('\n') }),
    })
  }

  /** Where the current step stands. */
  get stepSpan(): Span | undefined {
    return this.#stepSpan?.span
  }

  sourceOf(file: string): string | undefined {
    if (file === this.scenario.file) return this.scenario.text
    return this.#options.sources[file]
  }

  /** Limits in real time grow with the host's slowness; virtual time has none. */
  #scaled(ms: number): number {
    return this.station.host.kind === 'sim' ? ms : ms * this.#options.timeoutScale
  }

  /** A value of a reply as the golden shows it. */
  shown(value: Value, of: string): Shown {
    return this.normaliser.value(value, of)
  }
}
