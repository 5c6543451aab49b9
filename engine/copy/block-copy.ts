/**
 * Copies clusters from one node to another, each once, however many requests ask for it at the same
 * time: guest writes whose old data must be saved, and a job that goes through the whole disk.
 *
 * What is to be copied stands in a bitmap. A request takes the next run of it out, looks what is
 * there, and gives it to a pool of workers; whatever fails is put back. All that overlaps a request
 * and runs for somebody else is waited for, since it may be put back too.
 */
import { Bitmap } from '../bitmap/bitmap.ts'
import type { BlockStatus, Child, Copier, CopyRequestAbout } from '../block/driver.ts'
import type { Clock } from '../host/host.ts'
import { alignDown, alignUp } from '../util/align.ts'
import { andThen, isPromise, type MaybePromise } from '../util/async.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { Buffers } from './buffers.ts'
import { Budget } from './budget.ts'
import { CopyCall } from './copy-call.ts'
import { InFlight, type InFlightRange } from './in-flight.ts'
import { Pool } from './pool.ts'
import { RateLimit } from './rate-limit.ts'
import { transfer, type Failure } from './transfer.ts'

/** Longest stretch that is copied at once, where clusters are not longer. */
const MAX_CHUNK_BYTES = 2 ** 20
/** What all stretches that are being copied may have in memory together. */
const MAX_BUFFERED_BYTES = 128 * 2 ** 20
/** After so much that completed at once, others get a turn. */
const TURN_BYTES = 16 * 2 ** 20

export interface CopyEnds {
  readonly source: Pick<
    Child,
    'length' | 'read' | 'status' | 'statusAbove' | 'limits' | 'waitsForNobody' | 'readsAtOnce'
  >
  readonly target: Pick<
    Child,
    'length' | 'write' | 'zero' | 'discard' | 'limits' | 'waitsForNobody'
  >
}

export interface BlockCopyAbout {
  readonly ends: CopyEnds
  readonly clusterBytes: number
  readonly clock: Clock
  /** What all that is being copied may have in memory together. */
  readonly bufferedBytes?: number
  /** The source shows through the target: nobody may read there while a cluster is written. */
  readonly fleecing?: boolean
}

/** Some clusters that were taken out of the bitmap, to be copied. */
interface Task {
  readonly range: InFlightRange
  readonly as: 'data' | 'zero'
}

export class BlockCopy implements Copier {
  readonly pending: Bitmap
  readonly clusterBytes: number
  onlyAllocatedAbove: { readonly base: string | undefined } | undefined
  compress = false
  progressed: (bytes: number) => void = () => undefined
  readonly #ends: CopyEnds
  readonly #fleecing: boolean
  readonly #clock: Clock
  readonly #inFlight = new InFlight()
  readonly #memory: Budget
  readonly #buffers = new Buffers()
  readonly #speed: RateLimit
  /** Bytes that were copied since others had a turn. */
  #sinceTurn = 0

  constructor(about: BlockCopyAbout) {
    const { ends, clusterBytes, clock, fleecing = false } = about
    this.#ends = ends
    this.#memory = new Budget(about.bufferedBytes ?? MAX_BUFFERED_BYTES)
    this.#fleecing = fleecing
    this.clusterBytes = clusterBytes
    this.#clock = clock
    this.#speed = new RateLimit(clock)
    this.pending = new Bitmap(ends.source.length(), clusterBytes)
  }

  get remaining(): number {
    return this.pending.count + this.#inFlight.bytes
  }

  setSpeed(bytesPerSecond: number): void {
    this.#speed.setSpeed(bytesPerSecond)
  }

  request(about?: CopyRequestAbout): CopyCall {
    return new CopyCall(about)
  }

  copy(offset: number, bytes: number, call: CopyCall = new CopyCall()): MaybePromise<void> {
    const nothing = this.pending.nextDirty(offset, bytes) === undefined
    if (nothing && !this.#inFlight.overlaps(offset, bytes)) return
    return this.#copy(offset, bytes, call)
  }

  forget(offset: number, bytes: number): void {
    this.pending.unmark(offset, bytes)
    this.progressed(0)
  }

  async forgetUnallocated(offset: number): Promise<number> {
    const { clusterBytes } = this
    let seen = 0
    let allocated = false
    const left = (): number => this.pending.size - offset - seen
    while (!allocated && seen < clusterBytes && left() > 0) {
      const status = await this.#ends.source.status(offset + seen, left())
      seen += status.bytes
      allocated = status.allocated
    }
    // What is less than a cluster is copied with the data behind it, but not at the disk's end.
    const whole = allocated || left() === 0
    const bytes = whole ? alignUp(seen, clusterBytes) : alignDown(seen, clusterBytes)
    if (!allocated) this.forget(offset, bytes)
    return bytes
  }

  async #copy(offset: number, bytes: number, call: CopyCall): Promise<void> {
    for (;;) {
      await this.#copyPending(offset, bytes, call)
      if (call.failure !== undefined) throw call.failure.error
      if (call.cancelled) return
      // Whatever others copy here may fail, and is this request's business then.
      const over = this.#inFlight.oneOver(offset, bytes)
      if (over !== undefined) await over
      // Something may have been put back since this request looked.
      else if (this.pending.nextDirty(offset, bytes) === undefined) return
    }
  }

  /** Copies what is pending now. */
  async #copyPending(offset: number, bytes: number, call: CopyCall): Promise<void> {
    const pool = new Pool(call.workers)
    const end = offset + bytes
    for (let at = offset; at < end && call.failure === undefined && !call.cancelled;) {
      const range = this.#take(at, end - at, call.maxChunk)
      if (range === undefined) break
      const looked = this.#look(range)
      const as = isPromise(looked) ? await looked : looked
      const delayNs = as === 'nothing' || !call.keepsSpeed ? 0 : this.#speed.delayNs(0)
      if (delayNs > 0) {
        this.#end(range, 'failed')
        await call.sleep(this.#clock, delayNs)
        continue
      }
      at = range.end
      if (as === 'nothing') {
        this.#end(range, 'skipped')
        continue
      }
      this.#speed.delayNs(at - range.offset)
      await this.#run({ range, as }, pool, call)
    }
    await pool.idle()
  }

  /** The next run, at most as long as is copied at once. */
  #take(offset: number, bytes: number, maxChunk: number): InFlightRange | undefined {
    const next = this.pending.nextDirty(offset, bytes)
    if (next === undefined) return undefined
    const wanted = Math.min(next.bytes, this.#chunkBytes(), maxChunk === 0 ? Infinity : maxChunk)
    const length = alignUp(wanted, this.clusterBytes)
    this.pending.unmark(next.offset, length)
    return this.#inFlight.begin(next.offset, length)
  }

  #chunkBytes(): number {
    const { clusterBytes, compress } = this
    const { source, target } = this.#ends
    const limits = [source.limits().maxTransfer, target.limits().maxTransfer]
    const most = Math.min(...limits.map((limit) => (limit === 0 ? Infinity : limit)))
    if (compress || most < clusterBytes) return clusterBytes
    return alignDown(Math.min(Math.max(clusterBytes, MAX_CHUNK_BYTES), most), clusterBytes)
  }

  /** Finds out what lies in the range, and cuts it off where something else begins. */
  #look(range: InFlightRange): MaybePromise<'data' | 'zero' | 'nothing'> {
    const { source } = this.#ends
    const { offset } = range
    const bytes = Math.min(range.end, this.pending.size) - offset
    const only = this.onlyAllocatedAbove
    const base = only?.base === undefined ? undefined : { node: only.base }
    const seen = (status: BlockStatus): 'data' | 'zero' | 'nothing' => {
      const counted = this.#wholeClusters(offset, status)
      if (counted === 0) this.#shorten(range, this.clusterBytes)
      else this.#shorten(range, counted)
      if (counted === 0) return 'data'
      if (only !== undefined && !status.allocated) return 'nothing'
      return status.zero ? 'zero' : 'data'
    }
    // What cannot be looked at is read; if that fails too, it is known which side it was.
    const unknown = (error: unknown): 'data' => {
      if (!(error instanceof BlockError)) throw error
      this.#shorten(range, this.clusterBytes)
      return 'data'
    }
    try {
      const status = source.statusAbove(offset, bytes, base)
      return isPromise(status) ? status.then(seen, unknown) : seen(status)
    } catch (error) {
      return unknown(error)
    }
  }

  /** Of a run that has one at least; then the last one of the disk counts as a whole one too. */
  #wholeClusters(offset: number, { bytes }: BlockStatus): number {
    if (bytes < this.clusterBytes) return 0
    const atEnd = offset + bytes >= this.pending.size
    return atEnd ? alignUp(bytes, this.clusterBytes) : alignDown(bytes, this.clusterBytes)
  }

  #shorten(range: InFlightRange, bytes: number): void {
    const end = range.offset + bytes
    if (end >= range.end) return
    this.pending.mark(end, range.end - end)
    this.#inFlight.shorten(range, bytes)
  }

  async #run(task: Task, pool: Pool, call: CopyCall): Promise<void> {
    const { range } = task
    const bytes = range.end - range.offset
    const memory = this.#memory.take(bytes)
    if (isPromise(memory)) await memory
    const free = pool.free()
    if (isPromise(free)) await free
    if (call.failure !== undefined) {
      this.#memory.give(bytes)
      this.#end(range, 'failed')
      return
    }
    pool.start(() => this.#move(task, call))
    this.#sinceTurn += bytes
    if (this.#sinceTurn < TURN_BYTES) return
    this.#sinceTurn = 0
    await this.#turn()
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(0, resolve)
    })
  }

  #move({ range, as }: Task, call: CopyCall): MaybePromise<void> {
    const { offset } = range
    let buffer: Uint8Array | undefined
    const moved = (failure: Failure | undefined): void => {
      this.#memory.give(range.end - offset)
      if (failure !== undefined) call.fail(failure)
      // Whatever failed may still have it.
      else if (buffer !== undefined) this.#buffers.give(buffer)
      this.#end(range, failure === undefined ? 'copied' : 'failed')
    }
    const bytes = Math.min(range.end, this.pending.size) - offset
    // A real QEMU stops itself when it would write there.
    if (offset + bytes > this.#ends.target.length()) {
      moved({ side: 'write', error: ioError('EIO') })
      return
    }
    const flags = { serialising: this.#fleecing, compressed: this.compress }
    if (as === 'data') buffer = this.#buffers.take(bytes)
    const { source, target } = this.#ends
    // A guest's request waits for its own clusters alone.
    const inTurn = call.keepsSpeed && !source.readsAtOnce()
    const read = (at: number, into: Uint8Array): MaybePromise<void> =>
      inTurn ? this.#readLate(at, into) : source.read(at, into)
    const running = transfer(
      { source: { read }, target },
      {
        offset,
        bytes,
        as,
        flags,
        ...(buffer === undefined ? {} : { buffer }),
      },
    )
    // A real disk takes its time to fail too: what is to be copied beside it is under way by then.
    const later = async (failure: Failure): Promise<void> => {
      await this.#turn()
      moved(failure)
    }
    const over = (failure: Failure | undefined): MaybePromise<void> => {
      if (failure !== undefined && this.#takesTime(failure, as)) return later(failure)
      moved(failure)
    }
    return isPromise(running) ? running.then(over) : over(running)
  }

  /** What is read from a real disk comes a turn later: what needs no data gets to the target before. */
  #readLate(offset: number, into: Uint8Array): MaybePromise<void> {
    return andThen(this.#ends.source.read(offset, into), () => this.#turn())
  }

  /** What a driver does not know to do is refused without asking the host, but may be asked late. */
  #takesTime({ side, error }: Failure, as: Task['as']): boolean {
    const { source, target } = this.#ends
    const isRefusal = error.errno === 'ENOTSUP'
    if (side === 'read') return !isRefusal && !source.waitsForNobody()
    // Zeroes need not be read before.
    if (as === 'data' && !source.readsAtOnce()) return true
    return !(isRefusal || target.waitsForNobody())
  }

  #end(range: InFlightRange, how: 'copied' | 'failed' | 'skipped'): void {
    const bytes = range.end - range.offset
    if (how === 'failed') this.pending.mark(range.offset, Math.min(bytes, this.pending.size))
    this.#inFlight.end(range)
    this.progressed(how === 'copied' ? bytes : 0)
  }
}
