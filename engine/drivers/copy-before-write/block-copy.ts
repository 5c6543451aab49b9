/**
 * Copies clusters from one node to another, each once, however many requests ask for it at the same
 * time. Knows nothing of why: guest writes today, a job tomorrow.
 */
import type { Child } from '../../block/driver.ts'
import { alignDown, alignUp } from '../../util/align.ts'
import type { MaybePromise } from '../../util/async.ts'
import { ioError } from '../../util/errors.ts'
import type { ClusterSet, Run } from './cluster-set.ts'

/** Longest stretch that is copied at once, where clusters are not longer. */
const MAX_COPY_BYTES = 2 ** 20

/** No other request to the target may see a half copied cluster, be it through a backing chain. */
const WRITE = { serialising: true }

export interface CopyEnds {
  readonly source: Pick<Child, 'length' | 'read' | 'statusAbove'>
  readonly target: Pick<Child, 'length' | 'write' | 'zero'>
}

/** Lets whoever asked for a copy give it up: what has begun is ended, nothing more begins. */
export interface Cancellation {
  readonly cancelled: boolean
}

interface Task {
  readonly offset: number
  readonly end: number
  readonly over: Promise<void>
}

export class BlockCopy {
  /** Clusters that are still to be copied. */
  readonly pending: ClusterSet
  readonly #ends: CopyEnds
  readonly #tasks = new Set<Task>()

  constructor(ends: CopyEnds, pending: ClusterSet) {
    this.#ends = ends
    this.pending = pending
  }

  /**
   * Copies what is pending in the range, which begins and ends with a cluster or the disk, and waits
   * for what others copy there. Whatever failed is pending again.
   *
   * @throws {BlockError} of the source or the target.
   */
  copy(offset: number, bytes: number, cancellation?: Cancellation): MaybePromise<void> {
    const isIdle = this.#tasks.size === 0
    if (isIdle && this.pending.nextDirty(offset, bytes) === undefined) return
    return this.#copy(offset, bytes, cancellation)
  }

  /** The range need not be copied any more. */
  forget(offset: number, bytes: number): void {
    this.pending.unmark(offset, bytes)
  }

  async #copy(offset: number, bytes: number, cancellation?: Cancellation): Promise<void> {
    while (cancellation?.cancelled !== true) {
      const run = this.pending.nextDirty(offset, bytes)
      if (run !== undefined) {
        await this.#runTask(run)
        continue
      }
      const other = this.#overlapping(offset, offset + bytes)
      if (other === undefined) return
      // If it fails its clusters are pending again, and become this request's business.
      await other.over
    }
  }

  async #runTask({ offset, bytes: wanted }: Run): Promise<void> {
    const { granularity } = this.pending
    const bytes = Math.min(wanted, alignUp(MAX_COPY_BYTES, granularity))
    this.pending.unmark(offset, bytes)
    const work = this.#copyRun(offset, bytes).catch((error: unknown) => {
      this.pending.mark(offset, bytes)
      throw error
    })
    const settled = work.then(
      () => undefined,
      () => undefined,
    )
    const task = { offset, end: offset + bytes, over: settled }
    this.#tasks.add(task)
    try {
      await work
    } finally {
      this.#tasks.delete(task)
    }
  }

  async #copyRun(offset: number, bytes: number): Promise<void> {
    const { source, target } = this.#ends
    const { granularity } = this.pending
    // A real QEMU stops itself when it would write there.
    if (offset + bytes > target.length()) throw ioError('EIO')
    for (let at = offset; at < offset + bytes;) {
      const left = offset + bytes - at
      const found = await source.statusAbove(at, left)
      // Zeroes count by whole clusters; less than one is copied with the data around it.
      const whole = found.bytes === left ? left : alignDown(found.bytes, granularity)
      const length = whole === 0 ? Math.min(granularity, left) : whole
      if (whole > 0 && found.zero) await target.zero(at, length, WRITE)
      else await this.#copyData(at, length)
      at += length
    }
  }

  async #copyData(offset: number, bytes: number): Promise<void> {
    const data = new Uint8Array(bytes)
    await this.#ends.source.read(offset, data)
    await this.#ends.target.write(offset, data, WRITE)
  }

  #overlapping(offset: number, end: number): Task | undefined {
    for (const task of this.#tasks) if (task.offset < end && offset < task.end) return task
    return undefined
  }
}
