/**
 * How a mirror copies: what is dirty goes to the target in the background, several runs beside each
 * other, until nothing is. Sizes and order of requests are those of 7.2.
 */
import { Bitmap } from '../../bitmap/bitmap.ts'
import { DirtyCursor } from '../../bitmap/cursor.ts'
import type { BlockIo, BlockStatus } from '../../block/driver.ts'
import { Buffers } from '../../copy/buffers.ts'
import { InFlight } from '../../copy/in-flight.ts'
import { transfer, type Move, type Side } from '../../copy/transfer.ts'
import type { User } from '../../graph/graph.ts'
import { alignDown, alignUp, isAligned } from '../../util/align.ts'
import { assert } from '../../util/assert.ts'
import { isPromise } from '../../util/async.ts'
import { BlockError } from '../../util/errors.ts'
import { wait } from '../../util/routine.ts'
import type { JobControl } from '../kind.ts'
import type { ErrorPolicy } from '../on-error.ts'
import type { JobRoutine } from '../strand.ts'
import { WholeClusters } from './whole-clusters.ts'
import type { MirrorTop } from './top.ts'

export interface CopyAbout {
  readonly top: MirrorTop
  readonly target: User
  /** Bytes of a bit, a power of two. */
  readonly granularity: number
  /** Bytes of data that may be under way, a multiple of the granularity. */
  readonly bufferBytes: number
  /** Zeroing may release storage of the target. */
  readonly unmap: boolean
  /** What is read from the source is there at once. */
  readonly readsAtOnce: boolean
  /** Zeroing the target costs nothing, and does not count against the speed. */
  readonly zeroesAreFree: boolean
  /** The unit in which the target's image changes, 1 if it has none. */
  readonly targetClusterBytes: number
  /** The target cannot fill up what lies around a part of a cluster. */
  readonly fillsClusters: boolean
  readonly onSourceError: ErrorPolicy
  readonly onTargetError: ErrorPolicy
}

const MAX_UNDER_WAY = 16
const MAX_RUN_BYTES = 1 << 20
/** Pieces of granularity that one request takes. */
const MAX_PIECES = 1024

/** What is moved at once, and what the target gets. */
type Run = Pick<Move, 'offset' | 'bytes' | 'as'>

export class Copying {
  readonly bitmap: Bitmap
  /** All ranges that are being moved, also by writes that go to both sides. */
  readonly inFlight = new InFlight()
  /** The first failure that ends the job. */
  failure: BlockError | undefined
  /** Bytes that writes to both sides move. */
  activeBytes = 0
  readonly #about: CopyAbout
  readonly #job: JobControl
  readonly #clusters: WholeClusters | undefined
  readonly #buffers = new Buffers()
  readonly #underWay = new Set<Promise<void>>()
  #bytesUnderWay = 0
  #bufferFree: number
  /** Where to look for dirt next; set out when all that is to be copied first was marked. */
  #cursor: DirtyCursor | undefined
  /** The target is being zeroed before all else, which is no progress. */
  #zeroing = false

  constructor(about: CopyAbout, job: JobControl) {
    this.#about = about
    this.#job = job
    this.#bufferFree = about.bufferBytes
    this.bitmap = new Bitmap(about.top.source.length(), about.granularity)
    if (about.fillsClusters) {
      const { granularity, targetClusterBytes } = about
      this.#clusters = new WholeClusters(this.bitmap.size, granularity, targetClusterBytes)
    }
  }

  get isClean(): boolean {
    return this.bitmap.count === 0
  }

  get isIdle(): boolean {
    return this.#underWay.size === 0
  }

  /** Bytes that are dirty or under way. */
  get remaining(): number {
    return this.bitmap.count + this.#bytesUnderWay + this.activeBytes
  }

  get isFull(): boolean {
    return this.#underWay.size >= MAX_UNDER_WAY || this.#bufferFree === 0
  }

  /** Waits until one of the runs that are under way is over. */
  *oneOver(): JobRoutine<void> {
    const [first] = this.#underWay
    if (first !== undefined) yield* this.#job.request(() => first)
  }

  *allOver(): JobRoutine<void> {
    while (!this.isIdle) yield* this.oneOver()
  }

  /** @returns whether it went well; otherwise the failure was dealt with. */
  *flush(): JobRoutine<boolean> {
    try {
      const flushed = this.#about.target.flush()
      // Where nothing was written, that is no request at all.
      if (isPromise(flushed)) yield* this.#job.request(() => flushed)
      return true
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      this.failed('write', error)
      return false
    }
  }

  /** A request failed; if that is to end the job, `failure` says so from now on. */
  failed(side: Side, error: BlockError): void {
    const { onSourceError, onTargetError } = this.#about
    const policy = side === 'read' ? onSourceError : onTargetError
    const action = this.#job.failed({ operation: side, policy, error })
    if (action === 'report') this.failure ??= error
  }

  /** Zeroes the whole target. */
  *zeroAll(): JobRoutine<void> {
    this.#zeroing = true
    const { size, granularity } = this.bitmap
    for (let offset = 0; offset < size;) {
      yield* this.#job.checkpoint()
      if (this.#underWay.size >= MAX_UNDER_WAY) {
        yield* this.oneOver()
        continue
      }
      const bytes = Math.min(size - offset, alignDown(2 ** 31 - 1, granularity))
      yield* this.#send({ offset, bytes, as: 'zero' })
      offset += bytes
    }
    yield* this.allOver()
    this.#zeroing = false
  }

  /**
   * Sends the next run of dirty bits on its way, in as many requests as it takes.
   *
   * @returns how long to wait by the job's speed, in nanoseconds.
   */
  *iterate(): JobRoutine<number> {
    const { granularity, zeroesAreFree } = this.#about
    const cursor = (this.#cursor ??= new DirtyCursor(this.bitmap))
    let offset = nextDirty(cursor)
    do {
      for (let over = this.inFlight.oneOver(offset, 1); over !== undefined;) {
        yield* wait(over)
        over = this.inFlight.oneOver(offset, 1)
      }
      yield* this.#job.checkpoint()
      // While it was paused others may have begun to write there.
    } while (this.inFlight.overlaps(offset, 1))
    const end = this.#endOfRun(cursor, offset)
    // Cleaned before the source is looked at: what is written from now on is dirty again.
    this.bitmap.unmark(offset, end - offset)
    let claimed = this.inFlight.begin(offset, end - offset)
    let delayNs = 0
    while (offset < Math.min(end, this.bitmap.size)) {
      const run = yield* this.#plan(offset, end - offset)
      while (this.#underWay.size >= MAX_UNDER_WAY) yield* this.oneOver()
      if (this.failure !== undefined) {
        delayNs = 0
        break
      }
      this.inFlight.end(claimed)
      const handled = yield* this.#send(run)
      offset += alignUp(handled, granularity)
      claimed = this.inFlight.begin(offset, Math.max(0, end - offset))
      delayNs = this.#job.delayNs(run.as !== 'data' && zeroesAreFree ? 0 : handled)
    }
    this.inFlight.end(claimed)
    return delayNs
  }

  #endOfRun(cursor: DirtyCursor, offset: number): number {
    const { granularity, bufferBytes } = this.#about
    let end = offset + granularity
    while (end - offset < bufferBytes && end < this.bitmap.size) {
      if (!this.bitmap.covers(end, 1) || this.inFlight.overlaps(end, granularity)) break
      if (cursor.next() !== end) {
        // What became dirty since it came by is met only by who sets out anew.
        cursor.restart(end)
        cursor.next()
      }
      end += granularity
    }
    return end
  }

  /** How much to move at once, and as what. */
  *#plan(offset: number, bytes: number): JobRoutine<Run> {
    const { granularity, bufferBytes, targetClusterBytes } = this.#about
    const status = yield* this.#statusOf(offset, Math.min(bytes, this.bitmap.size - offset))
    const limit = Math.max(Math.floor(bufferBytes / MAX_UNDER_WAY), MAX_RUN_BYTES)
    const known = status?.data === false ? status.bytes : Math.min(status?.bytes ?? bytes, limit)
    const whole = alignDown(known, granularity)
    const run = Math.max(whole, granularity)
    const isInClusters = isAligned(offset, targetClusterBytes) && isAligned(run, targetClusterBytes)
    const hasNoData = status?.data === false && whole > 0 && isInClusters
    const nothing = status?.zero === true ? 'zero' : 'discard'
    const as = hasNoData ? nothing : 'data'
    return { offset, bytes: Math.min(run, this.bitmap.size - offset), as }
  }

  *#statusOf(offset: number, bytes: number): JobRoutine<BlockStatus | undefined> {
    try {
      return yield* wait(this.#about.top.source.statusAbove(offset, bytes))
    } catch (error) {
      // Reading it will tell.
      if (error instanceof BlockError) return undefined
      throw error
    }
  }

  /** @returns how many bytes of what was asked for that was. */
  *#send(run: Run): JobRoutine<number> {
    if (run.as !== 'data') {
      this.#start(run, 0)
      return run.bytes
    }
    const { granularity, bufferBytes } = this.#about
    const bytes = Math.min(run.bytes, bufferBytes, granularity * MAX_PIECES)
    const grown = this.#clusters?.around(run.offset, bytes) ?? { offset: run.offset, bytes }
    const buffer = alignUp(grown.bytes, granularity)
    while (this.#bufferFree < buffer) yield* this.oneOver()
    this.#start({ ...grown, as: 'data' }, buffer)
    return grown.offset + grown.bytes - run.offset
  }

  /** Makes the requests, which go on beside the job's own line. */
  #start(run: Run, buffer: number): void {
    const range = this.inFlight.begin(run.offset, run.bytes)
    this.#bytesUnderWay += run.bytes
    this.#bufferFree -= buffer
    const done: Promise<void> = this.#move(run).finally(() => {
      this.#underWay.delete(done)
      this.#bytesUnderWay -= run.bytes
      this.#bufferFree += buffer
      this.inFlight.end(range)
    })
    this.#underWay.add(done)
  }

  /**
   * What is read comes a turn later, and so does a failure: meanwhile others begin, and those that
   * need no data get to the target.
   */
  async #read(source: Pick<BlockIo, 'read'>, offset: number, into: Uint8Array): Promise<void> {
    try {
      await source.read(offset, into)
    } finally {
      await this.#job.turn()
    }
  }

  async #move(run: Run): Promise<void> {
    const { top, target, unmap, readsAtOnce } = this.#about
    const flags = run.as === 'zero' ? { mayUnmap: unmap } : {}
    const source = readsAtOnce
      ? top.source
      : { read: (at: number, into: Uint8Array) => this.#read(top.source, at, into) }
    const buffer = run.as === 'data' ? this.#buffers.take(run.bytes) : undefined
    const moving = transfer(
      { source, target },
      buffer === undefined ? { ...run, flags } : { ...run, flags, buffer },
    )
    // What fails at once on the target is known at once; what succeeds takes a turn at least.
    if (moving === undefined) await this.#job.turn()
    const failed = isPromise(moving) ? await moving : moving
    if (failed !== undefined) {
      this.bitmap.mark(run.offset, run.bytes)
      this.failed(failed.side, failed.error)
      return
    }
    // Whatever failed may still have it.
    if (buffer !== undefined) this.#buffers.give(buffer)
    this.#clusters?.filled(run.offset, run.bytes)
    if (!this.#zeroing) this.#job.advance(run.bytes)
  }
}

/** @returns where the next dirty bit is, going round at the end; there is one. */
function nextDirty(cursor: DirtyCursor): number {
  const ahead = cursor.next()
  if (ahead !== undefined) return ahead
  cursor.restart(0)
  const first = cursor.next()
  assert(first !== undefined, 'somebody looked whether anything is dirty')
  return first
}
