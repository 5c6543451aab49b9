/** What a kind of job declares and what it gets. Pausing, events and status are not its business. */
import type { DrainedSection, GraphNode } from '../graph/graph.ts'
import type { Claims } from '../block/permission.ts'
import type { Operation } from '../graph/op-blockers.ts'
import type { MaybePromise } from '../util/async.ts'
import type { BlockError } from '../util/errors.ts'
import type { ErrorAction, ErrorPolicy } from './on-error.ts'
import type { JobRoutine } from './strand.ts'

export const JOB_TYPES = [
  'commit',
  'stream',
  'mirror',
  'backup',
  'create',
  'amend',
  'snapshot-load',
  'snapshot-save',
  'snapshot-delete',
  'copy',
] as const

export type JobType = (typeof JOB_TYPES)[number]

/** What a job's work may do with the job while it runs. */
export interface JobControl {
  readonly id: string
  /** A client asked the job to end soon and well: only of kinds whose `cancel` said so. */
  readonly endRequested: boolean
  /** Its result is void, whatever its work comes to. */
  readonly isCancelled: boolean
  readonly isReady: boolean
  /** It has worked for a slice of time, or a request has failed: time to rest. */
  readonly isDue: boolean
  /** Pauses here if somebody asked for that. Ends the work if it was cancelled, by throwing. */
  checkpoint(): JobRoutine<void>
  /** Pauses here if somebody asked for that, and goes on even if it was cancelled meanwhile. */
  halt(): JobRoutine<void>
  /** Rests that long, or until somebody wakes the job; then as `checkpoint`. */
  sleep(ns: number): JobRoutine<void>
  /** Rests until somebody wakes the job; then as `checkpoint`. */
  rest(): JobRoutine<void>
  /** Lets the work go on if it rests. */
  wake(): void
  /**
   * The outcome of a request, after at least one turn of everybody else: a job over storage that
   * answers at once must not keep all others waiting.
   */
  request<T>(make: () => MaybePromise<T>): JobRoutine<T>
  /** Resolves after a turn of everybody else: for requests that run beside the job's own line. */
  turn(): Promise<void>
  /**
   * Begins a drained section of a node while the job itself has nothing under way. The job's end
   * follows at once then, and gives it back.
   */
  drain(node: GraphNode): JobRoutine<DrainedSection>
  /** Ends such a section: the job goes on after all. */
  undrain(section: DrainedSection): void
  /** How long to sleep after so many bytes, by the job's speed. */
  delayNs(bytes: number): number
  /** So much more is done. */
  advance(amount: number): void
  /** So much is left, besides what is done. */
  setRemaining(amount: number): void
  addRemaining(amount: number): void
  /** What it copies has converged: it waits for `complete`. */
  ready(): void
  /** A request failed: tells clients, and pauses the job where the policy says so. */
  failed(about: {
    readonly operation: 'read' | 'write'
    readonly policy: ErrorPolicy
    readonly error: BlockError
  }): ErrorAction
}

/** The work of one job. What it throws as a `BlockError` is the job's error. */
export interface JobWork {
  run(job: JobControl): JobRoutine<void>
  /** A client wants a ready job to end. Without it none may. */
  complete?(): MaybePromise<void>
  /**
   * The job is being cancelled.
   *
   * @returns false where it may still end well, as a ready mirror does; without it true.
   */
  cancel?(forced: boolean): boolean
  /** Called before it pauses: lets requests that it does not wait for itself come to an end. */
  pausing?(): JobRoutine<void>
  /** While it is paused nothing is under way, so that drained sections need not wait for it to go on. */
  readonly restsWhilePaused?: boolean
  /** A client chose another speed, 0 for none. */
  speedChanged?(bytesPerSecond: number): void
  /** A client resumed the job. */
  resumed?(): void
  /** The job stays pending until a client finalizes it: whatever it holds back may go on. */
  leftPending?(): void
  /** The work went well, and so did that of all jobs of its group. What it throws ends them badly. */
  prepare?(): MaybePromise<void>
  /** It all went well. */
  commit?(): MaybePromise<void>
  /** This job or one of its group failed or was cancelled. */
  abort?(): MaybePromise<void>
  /** After either. */
  clean?(): MaybePromise<void>
}

/** What a kind gets to set its job up with. */
export interface JobSetup {
  readonly id: string
  /**
   * Ties the job to a node: drained sections of the node pause it, and no operation but those
   * `allowed` may begin there.
   *
   * @throws {BlockError} the conflict text.
   */
  use(edgeName: string, node: GraphNode, claims: Claims, allowed?: readonly Operation[]): void
  /** Takes all of these ties off, before the job's end would. */
  release(): Promise<void>
}

export interface JobKind<Args> {
  readonly type: JobType
  /** Such a job answers to `block-job-*` too, has a speed, and sends `BLOCK_JOB_*` events. */
  readonly isBlockJob: boolean
  /** The node that the job is tied to before its speed is looked at and anything else made. */
  main?(args: Args): {
    readonly node: GraphNode
    readonly claims: Claims
    readonly allowed?: readonly Operation[]
  }
  /**
   * Makes what is needed, before the job runs.
   *
   * @throws {BlockError} and there is no job; the kind has undone what it did.
   */
  open(args: Args, setup: JobSetup): MaybePromise<JobWork>
}

export function defineJob<Args>(
  definition: Omit<JobKind<Args>, 'isBlockJob'> & { readonly isBlockJob?: boolean },
): JobKind<Args> {
  return { isBlockJob: true, ...definition }
}
