/** Every job by its name: making, finding, cancelling, and their completion in the engine's turn. */
import type { Graph } from '../graph/graph.ts'
import type { Clock } from '../host/host.ts'
import { BlockError } from '../util/errors.ts'
import { JobGroup } from './group.ts'
import { Job, type JobWorld } from './job.ts'
import type { JobKind, JobSetup, JobWork } from './kind.ts'

/** What clients say of any job that they start. */
export interface JobOptions {
  /** Absent: the name of the device, of which nodes have none. */
  readonly id: string | undefined
  /** Bytes per second; 0, the default, for no limit. */
  readonly speed?: number | undefined
  /** Default true. */
  readonly autoFinalize?: boolean | undefined
  readonly autoDismiss?: boolean | undefined
  /** Jobs that end together with this one. */
  readonly group?: JobGroup | undefined
}

export interface JobServices {
  readonly graph: Graph
  readonly clock: Clock
  readonly emit: (event: string, data: Readonly<Record<string, unknown>>) => void
  /** Runs work when no command is at work. */
  readonly turn: (work: () => Promise<void>) => Promise<void>
  /** Runs work at once, beside the command that is at work, if one is; the next one waits for it. */
  readonly beside: (work: () => Promise<void>) => Promise<void>
  /** Something failed that must not. */
  readonly bug: (error: unknown) => void
}

/** A job that was made and does not run yet. */
export interface PreparedJob {
  start(): void
  /** Ends it before it ran. */
  cancel(): Promise<void>
}

export class Jobs {
  readonly #services: JobServices
  readonly #world: JobWorld
  /** Newest first. */
  #jobs: readonly Job[] = []
  /** Their work is over, their completion is to come. */
  readonly #ended = new Set<Job>()

  constructor(services: JobServices) {
    this.#services = services
    this.#world = {
      clock: services.clock,
      emit: services.emit,
      bug: services.bug,
      ended: (job) => {
        this.#completeSoon(job)
      },
      gone: async (job) => {
        this.#jobs = this.#jobs.filter((other) => other !== job)
        await job.user?.close()
      },
    }
  }

  /** Newest first, as queries list them. */
  list(): readonly Job[] {
    return this.#jobs
  }

  /** @throws {BlockError} `Job not found`. */
  find(id: string): Job {
    const job = this.#jobs.find((candidate) => candidate.id === id)
    if (job === undefined) throw new BlockError('Job not found')
    return job
  }

  /** @throws {BlockError} of another class, also for a job that is no block job. */
  findBlockJob(id: string): Job {
    const job = this.#jobs.find((candidate) => candidate.id === id)
    if (job?.about.isBlockJob === true) return job
    throw new BlockError(`Block job '${id}' not found`, { class: 'DeviceNotActive' })
  }

  /**
   * Makes a job that runs once it is started.
   *
   * @throws {BlockError} for a bad name, or what the kind throws; then there is no job.
   */
  async create<Args>(kind: JobKind<Args>, args: Args, options: JobOptions): Promise<PreparedJob> {
    const id = options.id ?? ''
    this.#checkId(id)
    const { type, isBlockJob } = kind
    const group = options.group ?? new JobGroup()
    const { autoFinalize = true, autoDismiss = true } = options
    const about = { id, type, isBlockJob, autoFinalize, autoDismiss, group }
    const job = new Job(about, this.#world)
    group.join(job)
    this.#jobs = [job, ...this.#jobs]
    try {
      const work = await this.#open(job, kind, args, options.speed ?? 0)
      // Others of its group may end it before it runs.
      job.adopt(work)
      return {
        start: () => {
          job.start(work)
        },
        cancel: () => this.#abandon(job),
      }
    } catch (error) {
      await job.user?.detach()
      await job.dismiss()
      throw error
    }
  }

  /** Makes a job and starts it. */
  async launch<Args>(kind: JobKind<Args>, args: Args, options: JobOptions): Promise<void> {
    const job = await this.create(kind, args, options)
    job.start()
  }

  /** Cancels a job, whose result may then be over when this returns, or still to come. */
  async cancel(job: Job, forced: boolean): Promise<void> {
    if (job.status === 'concluded') {
      await job.dismiss()
      return
    }
    job.cancel(forced)
    if (!job.isStarted) await job.group.completed(job)
    else if (!job.hasEnded) job.enter()
    else if (job.endRequested) await job.group.abort(job)
  }

  /** Jobs whose work is over, and whose completion is to come. */
  over(): readonly Job[] {
    return [...this.#ended]
  }

  /** Completes those of them that nobody has completed meanwhile. */
  async complete(over: readonly Job[]): Promise<void> {
    for (const job of over) await this.#complete(job)
  }

  /** Waits until every job has come to rest, and completes what has ended: answers come after that. */
  async settle(): Promise<void> {
    for (const job of this.#jobs) await job.atRest()
    for (let [job] = this.#ended; job !== undefined; [job] = this.#ended) await this.#complete(job)
  }

  /** Cancels all jobs, newest first, as at the end of the engine. */
  async closeAll(): Promise<void> {
    for (let [job] = this.#jobs; job !== undefined; [job] = this.#jobs) {
      await this.cancel(job, true)
      if (job.status === 'null') continue
      await job.workOver()
      await this.#complete(job)
    }
  }

  async #open<Args>(job: Job, kind: JobKind<Args>, args: Args, speed: number): Promise<JobWork> {
    const setup = this.#setup(job)
    const main = kind.main?.(args)
    if (main !== undefined) setup.use('main node', main.node, main.claims, main.allowed)
    if (speed !== 0) job.setSpeed(speed)
    return kind.open(args, setup)
  }

  #setup(job: Job): JobSetup {
    const { graph } = this.#services
    return {
      id: job.id,
      use(edgeName, node, claims, allowed) {
        job.user ??= graph.attachJob({
          id: job.id,
          type: job.about.type,
          drainedBegin: () => {
            job.pause()
          },
          drainedEnd: () => {
            job.resume()
          },
        })
        job.user.add(edgeName, node, claims, allowed)
      },
      release: async () => {
        await job.user?.detach()
      },
    }
  }

  #checkId(id: string): void {
    if (!/^[a-zA-Z][-a-zA-Z0-9._]*$/.test(id)) throw new BlockError(`Invalid job ID '${id}'`)
    if (this.#jobs.some((job) => job.id === id)) {
      throw new BlockError(`Job ID '${id}' already in use`)
    }
  }

  async #abandon(job: Job): Promise<void> {
    // Another one of its group took it along.
    if (job.status === 'null') return
    await this.cancel(job, true)
  }

  #completeSoon(job: Job): void {
    this.#ended.add(job)
    const { clock, turn, beside, bug } = this.#services
    clock.after(0, () => {
      // A command at work may wait for the section that the job holds.
      const run = job.holdsSection ? beside : turn
      run(() => this.#complete(job)).catch(bug)
    })
  }

  /** Once for each job, whoever comes first. */
  async #complete(job: Job): Promise<void> {
    if (!this.#ended.delete(job) || job.isCompleted) return
    await job.group.completed(job)
  }
}
