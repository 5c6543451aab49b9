/** The life of one mirror: what is to be copied first, the loop, and what the graph becomes. */
import type { Bitmap } from '../../bitmap/bitmap.ts'
import { listBitmap } from '../../bitmap/dirty-bitmaps.ts'
import { SLICE_NS } from '../../copy/rate-limit.ts'
import { findBase, findOverlay } from '../../graph/chain.ts'
import type { DrainedSection, User } from '../../graph/graph.ts'
import { alignDown } from '../../util/align.ts'
import { assert } from '../../util/assert.ts'
import { BlockError } from '../../util/errors.ts'
import { wait } from '../../util/routine.ts'
import type { JobControl, JobSetup, JobWork } from '../kind.ts'
import { grow } from '../grow.ts'
import type { JobRoutine } from '../strand.ts'
import { writingBoth } from './changes.ts'
import { Copying } from './copying.ts'
import { MirrorEnd } from './end.ts'
import type { MirrorArgs } from './mirror.ts'

/** Looked at in one step when the disk's allocation is asked for. */
const MAX_LOOK_BYTES = 2 ** 31 - 1

export class MirrorWork implements JobWork {
  readonly #args: MirrorArgs
  readonly #target: User
  readonly #end: MirrorEnd
  #job: JobControl | undefined
  #copying: Copying | undefined
  #unlist: (() => void) | undefined
  #shouldComplete = false
  #section: DrainedSection | undefined
  readonly restsWhilePaused = true

  /** @param thaw - Lets others change the chain between source and target again. */
  constructor(args: MirrorArgs, setup: JobSetup, target: User, thaw: (() => void) | undefined) {
    this.#args = args
    this.#target = target
    this.#end = new MirrorEnd(args, setup, target, thaw)
  }

  *run(job: JobControl): JobRoutine<void> {
    this.#job = job
    try {
      yield* this.#checkLengths(job)
      const copying = this.#newCopying(job)
      if (this.#args.top.source.length() === 0) yield* this.#waitForEnd(job)
      else yield* this.#copy(job, copying)
    } catch (error) {
      // What failed before it was cancelled is what clients are told.
      throw this.#copying?.failure ?? error
    } finally {
      if (this.#copying !== undefined) yield* this.#copying.allOver()
      this.#section ??= yield* job.drain(this.#args.source)
    }
  }

  *pausing(): JobRoutine<void> {
    if (this.#copying !== undefined) yield* this.#copying.allOver()
  }

  complete(): void {
    this.#end.chooseReplaced()
    this.#shouldComplete = true
    this.#job?.wake()
  }

  cancel(forced: boolean): boolean {
    // Once the target has converged, the job can end well without a change of the graph.
    return forced || this.#job?.isReady !== true
  }

  /** As in 7.2, what others write from now on is lost with the source. */
  leftPending(): void {
    if (this.#section !== undefined) this.#job?.undrain(this.#section)
    this.#section = undefined
  }

  prepare(): Promise<void> {
    return this.#finish(this.#shouldComplete && this.#args.ending.replace)
  }

  async abort(): Promise<void> {
    await this.#finish(false, true)
  }

  async #finish(replace: boolean, aborted = false): Promise<void> {
    this.#args.top.onChange = undefined
    this.#unlist?.()
    const section = this.#section
    this.#section = undefined
    await this.#end.run({ replace, aborted, section })
  }

  *#checkLengths(job: JobControl): JobRoutine<void> {
    const { base, target, top } = this.#args
    const bytes = top.source.length()
    if (base === target) {
      if (bytes > this.#target.length()) yield* grow(job, this.#target, bytes)
    } else if (bytes !== this.#target.length()) {
      throw new BlockError('Source and target image have different sizes')
    }
  }

  /** Of a disk without any bytes. */
  *#waitForEnd(job: JobControl): JobRoutine<void> {
    this.#inStep(job)
    while (!job.endRequested && !this.#shouldComplete) yield* job.rest()
  }

  *#copy(job: JobControl, copying: Copying): JobRoutine<void> {
    // From the very beginning: what is found out about the source is not looked at again.
    if (this.#args.writeBlocking) this.#args.top.onChange = writingBoth(copying, this.#target, job)
    if (!this.#args.nothingFirst) yield* this.#markFirst(job, copying)
    for (;;) {
      if (copying.failure !== undefined) throw copying.failure
      yield* job.checkpoint()
      job.setRemaining(copying.remaining)
      let wasClean = copying.isClean
      let delayNs = 0
      if (!job.isDue) {
        if (copying.isFull || (wasClean && !copying.isIdle)) {
          yield* copying.oneOver()
          continue
        }
        if (!wasClean) delayNs = yield* copying.iterate()
      }
      let shouldEnd = false
      const isInStep = copying.isIdle && wasClean
      if (isInStep) {
        if (!job.isReady && !this.#shouldComplete) {
          if (!(yield* copying.flush())) continue
          this.#inStep(job)
        }
        shouldEnd = this.#shouldComplete || job.endRequested
        wasClean = copying.isClean
      }
      if (wasClean && shouldEnd && (yield* this.#stop(job, copying))) return
      if (job.isReady && !shouldEnd) delayNs = copying.isIdle && wasClean ? SLICE_NS : 0
      yield* job.sleep(delayNs)
    }
  }

  /** Both sides are the same: the client is told, unless that is enough for the job to end. */
  #inStep(job: JobControl): void {
    if (this.#args.ending.autoComplete) this.complete()
    else job.ready()
  }

  /** Nobody writes any more. @returns whether both sides are still the same, and stable. */
  *#stop(job: JobControl, copying: Copying): JobRoutine<boolean> {
    const section = yield* job.drain(this.#args.source)
    if (copying.isClean && (yield* copying.flush())) {
      this.#section = section
      return true
    }
    job.undrain(section)
    return false
  }

  #newCopying(job: JobControl): Copying {
    const { args, target } = { args: this.#args, target: this.#target }
    // A corrupt target tells nothing of itself, and refuses the first request.
    const image = args.target.corrupted ? undefined : args.graph.info(args.target).image
    const clusterBytes = image?.instance.clusterBytes ?? 1
    const hasUnopenedBacking = image?.header !== undefined && args.target.cowChild === undefined
    const copying = new Copying(
      {
        ...args,
        target,
        bufferBytes:
          hasUnopenedBacking && args.granularity < clusterBytes
            ? Math.max(args.bufferBytes, clusterBytes)
            : args.bufferBytes,
        readsAtOnce: args.source.readsAtOnce,
        zeroesAreFree: args.target.unmapsByZeroing,
        targetClusterBytes: clusterBytes,
        fillsClusters: hasUnopenedBacking && args.granularity < clusterBytes,
      },
      job,
    )
    this.#copying = copying
    this.#unlist = this.#list(copying.bitmap)
    return copying
  }

  /** Shows the bitmap as one of the source's, whose changes it records unless they go to both. */
  #list(bitmap: Bitmap): () => void {
    const { source, writeBlocking } = this.#args
    const unlist = listBitmap(source, {
      granularity: bitmap.granularity,
      get count() {
        return bitmap.count
      },
      recording: !writeBlocking,
      resize: (bytes) => {
        bitmap.resize(bytes)
      },
    })
    if (writeBlocking) return unlist
    const observer = {
      wrote: (offset: number, bytes: number) => {
        bitmap.mark(offset, bytes)
      },
    }
    source.observers.add(observer)
    return () => {
      source.observers.delete(observer)
      unlist()
    }
  }

  *#markFirst(job: JobControl, copying: Copying): JobRoutine<void> {
    const { zeroTarget, target, source, base, top } = this.#args
    const { bitmap } = copying
    if (zeroTarget) {
      if (!target.unmapsByZeroing) {
        bitmap.mark(0, bitmap.size)
        return
      }
      yield* copying.zeroAll()
    }
    const lowest = base === undefined ? findBase(source) : findOverlay(source, base)
    assert(lowest !== undefined, 'the base is in the chain')
    const above = { node: lowest.name, include: true }
    for (let offset = 0; offset < bitmap.size;) {
      yield* job.checkpoint()
      const bytes = Math.min(bitmap.size - offset, alignDown(MAX_LOOK_BYTES, bitmap.granularity))
      const status = yield* wait(
        top.source.statusAbove(offset, bytes, above, { allocationOnly: true }),
      )
      if (status.allocated) bitmap.mark(offset, status.bytes)
      offset += status.bytes
    }
  }
}
