/**
 * Jobs that end together: all well, or none. Most jobs are the only one of their group. Newest
 * first, as everywhere where jobs are gone through.
 */
import type { MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import type { Job } from './job.ts'

export class JobGroup {
  /** Newest first. */
  #jobs: readonly Job[] = []
  #aborting = false

  join(job: Job): void {
    this.#jobs = [job, ...this.#jobs]
  }

  leave(job: Job): void {
    this.#jobs = this.#jobs.filter((member) => member !== job)
  }

  /** A job of the group has come to its own result. */
  async completed(job: Job): Promise<void> {
    job.updateResult()
    if (job.error === undefined) await this.#succeeded(job)
    else await this.abort(job)
  }

  /** Ends jobs that are pending. */
  async finalize(): Promise<void> {
    const failed = await this.#prepareAll()
    if (failed !== undefined) {
      await this.abort(failed)
      return
    }
    for (const job of this.#jobs) await finish(job)
  }

  /** One has failed or was cancelled: no other result counts. */
  async abort(failed: Job): Promise<void> {
    // Whoever aborts the group takes care of all of its jobs.
    if (this.#aborting) return
    this.#aborting = true
    for (const job of this.#jobs) if (job !== failed) job.cancel(true)
    for (let [job] = this.#jobs; job !== undefined; [job] = this.#jobs) {
      if (!job.isCompleted) await comeToResult(job)
      await finish(job)
    }
  }

  async #succeeded(job: Job): Promise<void> {
    job.moveTo('waiting')
    if (this.#jobs.some((member) => !member.isCompleted)) return
    for (const member of this.#jobs) {
      member.moveTo('pending')
      if (!member.about.autoFinalize) member.tell('BLOCK_JOB_PENDING')
    }
    if (this.#jobs.every((member) => member.about.autoFinalize)) await this.finalize()
    else for (const member of this.#jobs) member.leftPending()
  }

  /** @returns the job whose preparation failed, if one did. */
  async #prepareAll(): Promise<Job | undefined> {
    for (const job of this.#jobs) {
      job.error ??= await failureOf(() => job.work.prepare?.())
      job.updateResult()
      if (job.error !== undefined) return job
    }
    return undefined
  }
}

/** Waits until a job that was told to end has a result. */
async function comeToResult(job: Job): Promise<void> {
  if (job.isStarted) {
    job.enter()
    await job.workOver()
  }
  job.settle()
  job.updateResult()
}

async function finish(job: Job): Promise<void> {
  job.takenUp()
  job.updateResult()
  const { work, error } = job
  await (error === undefined ? work.commit?.() : work.abort?.())
  await work.clean?.()
  if (job.isStarted) job.tell(job.isCancelled ? 'BLOCK_JOB_CANCELLED' : 'BLOCK_JOB_COMPLETED')
  job.group.leave(job)
  job.moveTo('concluded')
  if (job.about.autoDismiss || !job.isStarted) await job.dismiss()
}

async function failureOf(work: () => MaybePromise<void>): Promise<BlockError | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof BlockError) return error
    throw error
  }
}
