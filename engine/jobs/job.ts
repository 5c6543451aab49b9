/**
 * One job: its status, who holds it back, how far it is, and how it came out. Its own work takes a
 * course (`course.ts`); what happens once that has ended is the group's business (`group.ts`).
 */
import { RateLimit, SLICE_NS } from '../copy/rate-limit.ts'
import type { DrainedSection, GraphNode, JobUser } from '../graph/graph.ts'
import type { Clock } from '../host/host.ts'
import { assert } from '../util/assert.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError, errnoText } from '../util/errors.ts'
import { blockJobEvent, type BlockJobEvent } from './block-job-event.ts'
import { Course } from './course.ts'
import type { JobGroup } from './group.ts'
import type { JobControl, JobType, JobWork } from './kind.ts'
import {
  actionFor,
  ioStatusAfter,
  type ErrorAction,
  type ErrorPolicy,
  type IoStatus,
} from './on-error.ts'
import { assertTransition, checkVerb, isCompleted, type JobStatus, type JobVerb } from './status.ts'
import type { JobRoutine } from './strand.ts'

export interface JobAbout {
  readonly id: string
  readonly type: JobType
  readonly isBlockJob: boolean
  readonly autoFinalize: boolean
  readonly autoDismiss: boolean
  readonly group: JobGroup
}

/** What a job needs of the rest of the engine. */
export interface JobWorld {
  readonly clock: Clock
  emit(event: string, data: Readonly<Record<string, unknown>>): void
  /** The job's work has ended: its completion is to follow. */
  ended(job: Job): void
  /** The job exists no longer. */
  gone(job: Job): Promise<void>
  /** Something failed that must not. */
  bug(error: unknown): void
}

/** Thrown through the work of a job that was cancelled. */
class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

export class Job implements JobControl {
  readonly id: string
  readonly about: JobAbout
  readonly group: JobGroup
  /** Its edges; only block jobs have some. */
  user: JobUser | undefined
  /** Why it failed, once it has. */
  error: BlockError | undefined
  ioStatus: IoStatus = 'ok'
  speed = 0
  /** It keeps others from changing the graph until its end is complete. */
  holdsSection = false
  readonly #world: JobWorld
  readonly #limit: RateLimit
  readonly #course: Course
  #status: JobStatus = 'undefined'
  #work: JobWork = { run: nothing }
  /** How many hold it back; a job that was not started yet is held back by that. */
  #pauses = 1
  #paused = true
  #userPaused = false
  #done = 0
  #total = 0
  /** When it last rested. */
  #restedNs = 0
  #cancelled = false
  #forced = false
  /** The work is over. */
  #ended = false
  /** Pending, and held back by what its work has stopped. */
  #waits = false
  /** It goes on in its thread as soon as it may. */
  #entersLate = false
  readonly #endWaiters: (() => void)[] = []

  constructor(about: JobAbout, world: JobWorld) {
    this.id = about.id
    this.about = about
    this.group = about.group
    this.#world = world
    this.#limit = new RateLimit(world.clock)
    this.#course = new Course(world.clock, (busy) => {
      if (busy) this.user?.begin()
      else this.user?.end()
    })
    this.#moveTo('created')
  }

  get status(): JobStatus {
    return this.#status
  }

  get isReady(): boolean {
    return this.#status === 'ready' || this.#status === 'standby'
  }

  get busy(): boolean {
    return this.#course.busy
  }

  /** Whether anybody holds it back. */
  get heldBack(): boolean {
    return this.#pauses > 0
  }

  get isDue(): boolean {
    return this.ioStatus !== 'ok' || this.#world.clock.nowNs() - this.#restedNs >= SLICE_NS
  }

  get userPaused(): boolean {
    return this.#userPaused
  }

  /** Units of its own, bytes for most. */
  get progress(): { readonly done: number; readonly total: number } {
    return { done: this.#done, total: this.#total }
  }

  get isCompleted(): boolean {
    return isCompleted(this.#status)
  }

  get isStarted(): boolean {
    return this.#course.isStarted
  }

  /** Its result is void, whatever its work came to. */
  get isCancelled(): boolean {
    return this.#forced
  }

  get endRequested(): boolean {
    return this.#cancelled
  }

  get work(): JobWork {
    return this.#work
  }

  /** @throws {BlockError} where a client asks for this at the wrong time. */
  checkVerb(verb: JobVerb): void {
    checkVerb(this.id, this.#status, verb)
  }

  // What is done to it from outside.

  /** Takes the work over, whose end it sees to from now on. */
  adopt(work: JobWork): void {
    this.#work = work
  }

  start(work: JobWork): void {
    assert(this.#status === 'created', 'a job starts once')
    this.adopt(work)
    this.#pauses -= 1
    this.#paused = false
    this.#moveTo('running')
    this.#restedNs = this.#world.clock.nowNs()
    this.#course.start(work.run(this), (error) => {
      this.#workEnded(error)
    })
  }

  /** Resolves once it rests, is over or waits for a request. */
  atRest(): Promise<void> {
    return this.#course.atRest()
  }

  pause(): void {
    this.#pauses += 1
    if (!this.#paused) this.enter()
  }

  resume(): void {
    assert(this.#pauses > 0, 'a job is resumed as often as paused')
    this.#pauses -= 1
    // Who sleeps by the clock sleeps on.
    if (this.#pauses > 0 || this.#course.sleeps) return
    if (this.user?.home === undefined) this.enter()
    else void this.#enterLate()
  }

  /**
   * A command keeps a thread's nodes to itself until it waits for something, or is over. It waits for
   * the job in a drained section, but for one of whom it is enough that it is paused.
   */
  async #enterLate(): Promise<void> {
    if (this.#entersLate) return
    this.#entersLate = true
    const isWaitedFor = this.#work.restsWhilePaused !== true
    const { user } = this
    if (isWaitedFor) user?.begin()
    await this.turn()
    this.#entersLate = false
    if (isWaitedFor || this.#pauses === 0) this.enter()
    if (isWaitedFor) user?.end()
  }

  /** @throws {BlockError} */
  userPause(): void {
    this.checkVerb('pause')
    if (this.#userPaused) throw new BlockError('Job is already paused', { errno: 'EBUSY' })
    this.#userPaused = true
    this.pause()
  }

  /** @throws {BlockError} */
  userResume(): void {
    if (!this.#userPaused || this.#pauses === 0) {
      throw new BlockError("Can't resume a job that was not paused")
    }
    this.checkVerb('resume')
    this.ioStatus = 'ok'
    this.#userPaused = false
    this.resume()
  }

  /** @throws {BlockError} */
  setSpeed(bytesPerSecond: number): void {
    this.checkVerb('set-speed')
    if (bytesPerSecond < 0) {
      throw new BlockError("Parameter 'speed' expects a non-negative value")
    }
    const before = this.speed
    this.#limit.setSpeed(bytesPerSecond)
    this.speed = bytesPerSecond
    this.#work.speedChanged?.(bytesPerSecond)
    // Who may go faster now need not sleep as long as was said.
    if (bytesPerSecond !== 0 && bytesPerSecond <= before) return
    if (this.#course.sleeps) this.enter()
  }

  /** @throws {BlockError} */
  async complete(): Promise<void> {
    this.checkVerb('complete')
    if (this.#cancelled || this.#work.complete === undefined) {
      throw new BlockError(`The active block job '${this.id}' cannot be completed`)
    }
    await this.#work.complete()
  }

  /** Marks it cancelled; the work notices when it goes on. */
  cancel(forced: boolean): void {
    const force = this.#work.cancel?.(forced) ?? true
    if (this.#userPaused) {
      this.ioStatus = 'ok'
      this.#userPaused = false
      this.#pauses -= 1
    }
    // What has ended already ends well unless that is to be undone.
    if (!force && this.#ended) return
    this.#cancelled = true
    this.#forced ||= force
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  /** Resolves once its work is over. */
  workOver(): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => this.#endWaiters.push(resolve))
  }

  /** The outcome is out: what it was busy with is over. */
  settle(): void {
    this.#course.settle()
  }

  /** It waits for a client to finalize it. What its work has stopped lets others go on, and not itself. */
  leftPending(): void {
    if (this.#work.leftPending === undefined) return
    this.#pauses += 1
    this.#waits = true
    this.#work.leftPending()
  }

  /** It is finalized, or given up. */
  takenUp(): void {
    if (this.#waits) this.#pauses -= 1
    this.#waits = false
  }

  /** Takes cancelling into account. A job with an error is aborting. */
  updateResult(): void {
    if (this.error === undefined && this.#forced) {
      this.error = new BlockError(errnoText('ECANCELED'), { errno: 'ECANCELED' })
    }
    if (this.error !== undefined && this.#status !== 'aborting') this.#moveTo('aborting')
  }

  moveTo(status: JobStatus): void {
    this.#moveTo(status)
  }

  /** It is not listed any more. */
  async dismiss(): Promise<void> {
    this.#course.settle()
    this.#paused = false
    this.#ended = true
    this.group.leave(this)
    this.#moveTo('null')
    await this.#world.gone(this)
  }

  // What its work asks for.

  *checkpoint(): JobRoutine<void> {
    this.#checkCancelled()
    if (this.#pauses === 0) return
    if (this.#work.pausing !== undefined) {
      yield* this.#work.pausing()
      this.#checkCancelled()
      if (!this.heldBack) return
    }
    yield* this.#pause()
    this.#checkCancelled()
    // Somebody may have asked again meanwhile.
    if (this.#pauses > 0) yield* this.checkpoint()
  }

  *halt(): JobRoutine<void> {
    while (this.#pauses > 0 && !this.#cancelled) yield* this.#pause()
  }

  *#pause(): JobRoutine<void> {
    const before = this.#status
    this.#moveTo(before === 'ready' ? 'standby' : 'paused')
    this.#paused = true
    yield* this.#course.park(undefined)
    this.#paused = false
    this.#moveTo(before)
  }

  *sleep(ns: number): JobRoutine<void> {
    this.#checkCancelled()
    if (this.#pauses === 0) yield* this.#course.park(ns)
    yield* this.checkpoint()
    this.#restedNs = this.#world.clock.nowNs()
  }

  *rest(): JobRoutine<void> {
    this.#checkCancelled()
    if (this.#pauses === 0) yield* this.#course.park(undefined)
    yield* this.checkpoint()
  }

  wake(): void {
    // What is paused is not to go on for its own sake.
    if (!this.#paused) this.enter()
  }

  /** Lets the work go on if it rests, so that it sees what was asked of it. */
  enter(): void {
    this.#course.enter()
  }

  request<T>(make: () => MaybePromise<T>): JobRoutine<T> {
    return this.#course.request(make)
  }

  turn(): Promise<void> {
    return this.#course.turn()
  }

  *drain(node: GraphNode): JobRoutine<DrainedSection> {
    const section = yield* this.#course.drain(node)
    this.holdsSection = true
    return section
  }

  undrain(section: DrainedSection): void {
    this.holdsSection = false
    section.end()
  }

  delayNs(bytes: number): number {
    return this.#limit.delayNs(bytes)
  }

  advance(amount: number): void {
    this.#done += amount
  }

  setRemaining(amount: number): void {
    this.#total = this.#done + amount
  }

  addRemaining(amount: number): void {
    this.#total += amount
  }

  ready(): void {
    this.#moveTo('ready')
    this.tell('BLOCK_JOB_READY')
  }

  failed({
    operation,
    policy,
    error,
  }: {
    readonly operation: 'read' | 'write'
    readonly policy: ErrorPolicy
    readonly error: BlockError
  }): ErrorAction {
    const action = actionFor(policy, error.errno)
    this.#world.emit('BLOCK_JOB_ERROR', { device: this.id, operation, action })
    if (action !== 'stop') return action
    if (!this.#userPaused) {
      this.pause()
      this.#userPaused = true
    }
    if (this.ioStatus === 'ok') this.ioStatus = ioStatusAfter(error.errno)
    return action
  }

  /** Jobs that are no block jobs keep it to themselves. */
  tell(event: BlockJobEvent): void {
    if (this.about.isBlockJob) this.#world.emit(event, blockJobEvent(this, event))
  }

  #moveTo(status: JobStatus): void {
    assertTransition(this.#status, status)
    this.#status = status
    this.#world.emit('JOB_STATUS_CHANGE', { id: this.id, status })
  }

  #checkCancelled(): void {
    if (this.#forced) throw new Cancelled()
  }

  #workEnded(error: unknown): void {
    if (error instanceof BlockError) this.error = error
    else if (error !== undefined && !(error instanceof Cancelled)) this.#world.bug(error)
    this.#ended = true
    this.#course.over()
    for (const wake of this.#endWaiters.splice(0)) wake()
    this.#world.ended(this)
  }
}

function* nothing(): JobRoutine<void> {
  // A job that was never started has no work.
}
