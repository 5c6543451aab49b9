/**
 * `backup`: copies a disk to another one as it was when the job began. A copy-before-write filter,
 * put in before there is the job, saves what guests are about to change; its copier copies the rest.
 */
import type { DirtyBitmap } from '../bitmap/dirty-bitmap.ts'
import type { FrozenBitmap } from '../bitmap/dirty-bitmaps.ts'
import type { Copier, CopyRequest, CopyRequestAbout } from '../block/driver.ts'
import { ALL_PERMISSIONS, NO_PERMISSIONS } from '../block/permission.ts'
import type { GraphNode } from '../graph/graph.ts'
import { alignUp } from '../util/align.ts'
import { isPromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { defineJob, type JobControl, type JobKind, type JobType } from './kind.ts'
import type { ErrorPolicy } from './on-error.ts'
import type { JobRoutine } from './strand.ts'

/** When a bitmap that a job was given becomes what has changed since. */
export type BitmapMode = 'on-success' | 'never' | 'always'

export interface BackupArgs {
  readonly source: GraphNode
  readonly target: GraphNode
  readonly filter: GraphNode
  readonly copier: Copier
  /** What is copied: all, what the top image has, only what guests change, what is dirty. */
  readonly sync: 'full' | 'top' | 'none' | 'bitmap'
  /** Where the top image ends; nothing where nothing lies below. */
  readonly base: string | undefined
  readonly bitmap: { readonly frozen: FrozenBitmap; readonly mode: BitmapMode } | undefined
  readonly requests: CopyRequestAbout
  readonly policies: { readonly read: ErrorPolicy; readonly write: ErrorPolicy }
  /** Bytes per second; 0 for no limit. */
  readonly speed: number
  /** Takes the filter out and lets it go. */
  readonly dropFilter: () => Promise<void>
}

const NO_CLAIMS = { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }

/** By the name that clients started it under. */
export const backup = backupKind('backup')
export const copyBefore = backupKind('copy')

function backupKind(type: JobType): JobKind<BackupArgs> {
  return defineJob<BackupArgs>({
    type,
    main: ({ filter }) => ({ node: filter, claims: NO_CLAIMS }),
    open(args, setup) {
      const { copier, target } = args
      setup.use('target', target, NO_CLAIMS)
      copier.setSpeed(args.speed)
      const copying = new Copying(args)
      return {
        *run(job) {
          choosePending(args)
          copier.progressed = (bytes) => {
            job.advance(bytes)
            job.setRemaining(copier.remaining)
          }
          job.setRemaining(copier.remaining)
          yield* job.checkpoint()
          if (args.sync === 'none') for (;;) yield* job.rest()
          if (args.sync === 'top') yield* forgetBelow(args, job)
          yield* copying.run(job)
        },
        pausing: () => copying.stop(),
        speedChanged(bytesPerSecond) {
          copier.setSpeed(bytesPerSecond)
          copying.hurry()
        },
        commit() {
          settleBitmap(args, true)
        },
        abort() {
          settleBitmap(args, false)
        },
        async clean() {
          await setup.release()
          await args.dropFilter()
        },
      }
    },
  })
}

function choosePending({ sync, copier, bitmap }: BackupArgs): void {
  if (sync !== 'bitmap' || bitmap === undefined) return
  copier.pending.clear()
  copier.pending.merge(bitmap.frozen.bitmap)
}

/** What the top image does not have is not copied, and not even looked at again. */
function* forgetBelow({ copier, source, base }: BackupArgs, job: JobControl): JobRoutine<void> {
  copier.onlyAllocatedAbove = { base }
  for (let at = 0; at < source.length();) {
    yield* job.checkpoint()
    at += yield* job.request(() => copier.forgetUnallocated(at))
  }
  copier.onlyAllocatedAbove = undefined
}

/** All is well, or the bitmap is to follow in any case: what changed meanwhile takes its place. */
function settleBitmap({ bitmap, copier }: BackupArgs, ok: boolean): void {
  if (bitmap === undefined) return
  const { frozen, mode } = bitmap
  const follows = mode === 'always' || (mode === 'on-success' && ok)
  const kept: DirtyBitmap = follows ? frozen.replace() : frozen.reclaim()
  // It is as if only what was copied had been asked for.
  if (mode === 'always' && !ok) kept.bitmap.merge(copier.pending)
}

/** The copying of what is pending, which pausing stops and going on begins anew. */
class Copying {
  readonly #args: BackupArgs
  #current: { readonly request: CopyRequest; readonly over: Promise<void> } | undefined
  #job: JobControl | undefined

  constructor(args: BackupArgs) {
    this.#args = args
  }

  *run(job: JobControl): JobRoutine<void> {
    this.#job = job
    const { policies } = this.#args
    for (;;) {
      const failure = yield* this.#copy(job)
      if (failure === undefined) return
      const { side, error } = failure
      const action = job.failed({ operation: side, policy: policies[side], error })
      if (action === 'report') throw error
      // As in 7.2 a job that is cancelled while it is halted begins its requests once more.
      yield* job.halt()
    }
  }

  /** Gives up what runs, and waits for what cannot be given up. */
  *stop(): JobRoutine<void> {
    const current = this.#current
    if (current === undefined || this.#job === undefined) return
    current.request.cancel()
    yield* this.#job.request(() => current.over)
  }

  hurry(): void {
    this.#current?.request.hurry()
  }

  /** Until nothing is pending, or something failed. */
  *#copy(job: JobControl): JobRoutine<CopyRequest['failure']> {
    for (;;) {
      const request = this.#begin(job)
      if (request === undefined) return undefined
      try {
        // What begins at once is under way before it is noticed.
        if (job.isCancelled) yield* job.request(() => undefined)
        do yield* job.rest()
        while (this.#current !== undefined)
      } finally {
        yield* this.stop()
      }
      if (!request.cancelled) return request.failure
    }
  }

  /** @returns Nothing where there is nothing to be done. */
  #begin(job: JobControl): CopyRequest | undefined {
    const { copier, source, requests } = this.#args
    const request = copier.request({ ...requests, keepsSpeed: true })
    const begun = copier.copy(0, alignUp(source.length(), copier.clusterBytes), request)
    if (!isPromise(begun)) return undefined
    const over = begun
      .catch((error: unknown) => {
        // The request tells of failures.
        if (!(error instanceof BlockError)) throw error
      })
      .finally(() => {
        this.#current = undefined
        job.wake()
      })
    this.#current = { request, over }
    return request
  }
}
