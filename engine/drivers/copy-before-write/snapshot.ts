/**
 * The view of a disk as it was when its copy-before-write node was opened: what was written since is
 * read from the copies, all else from the disk itself.
 */
import type { BlockStatus, Child, SnapshotIo } from '../../block/driver.ts'
import type { Bitmap } from '../../bitmap/bitmap.ts'
import { alignDown, alignUp } from '../../util/align.ts'
import type { MaybePromise } from '../../util/async.ts'
import { ioError } from '../../util/errors.ts'
import type { BlockCopy } from '../../copy/block-copy.ts'

/** A read of the disk itself that runs: what it reads must not be overwritten meanwhile. */
interface FrozenRead {
  readonly offset: number
  readonly end: number
  readonly over: Promise<void>
}

export interface SnapshotParts {
  readonly source: Child
  readonly target: Child
  readonly copy: BlockCopy
  /** Clusters that may be read: neither outside the given bitmap nor discarded. */
  readonly access: Bitmap
  /** Clusters that were written since, and so are to be found in the target. */
  readonly done: Bitmap
}

export class Snapshot implements SnapshotIo {
  readonly #parts: SnapshotParts
  readonly #frozenReads = new Set<FrozenRead>()
  #broken = false

  constructor(parts: SnapshotParts) {
    this.#parts = parts
  }

  get broken(): boolean {
    return this.#broken
  }

  /** Something was overwritten that could not be copied: nothing can be read any more. */
  break(): void {
    this.#broken = true
  }

  /** Waits for reads of the disk itself in the range. */
  thawed(offset: number, bytes: number): MaybePromise<void> {
    return this.#overlapping(offset, bytes) === undefined ? undefined : this.#thawed(offset, bytes)
  }

  read(offset: number, into: Uint8Array): MaybePromise<void> {
    this.#checkAccess(offset, into.length)
    return this.#read(offset, into)
  }

  /** As 7.2, which asks the disk itself unless all of the range was copied. */
  status(offset: number, bytes: number): MaybePromise<BlockStatus> {
    this.#checkAccess(offset, bytes)
    const { source, target, done } = this.#parts
    return done.covers(offset, bytes) ? target.status(offset, bytes) : source.status(offset, bytes)
  }

  /** Whole clusters only: a real QEMU stops itself for others. */
  discard(offset: number, bytes: number): MaybePromise<void> {
    const { access, copy, target } = this.#parts
    const from = alignUp(offset, access.granularity)
    const end = offset + bytes
    const to = end >= access.size ? access.size : alignDown(end, access.granularity)
    if (from >= to) return
    access.unmark(from, to - from)
    copy.forget(from, to - from)
    return target.discard(from, to - from)
  }

  async #read(offset: number, into: Uint8Array): Promise<void> {
    const { target, done } = this.#parts
    const end = offset + into.length
    for (let at = offset; at < end;) {
      this.#checkAccess(at, end - at)
      const copied = done.nextDirty(at, end - at)
      const fromTarget = copied?.offset === at
      const bytes = fromTarget ? copied.bytes : (copied?.offset ?? end) - at
      const part = into.subarray(at - offset, at - offset + bytes)
      if (fromTarget) await target.read(at, part)
      else await this.#readFrozen(at, part)
      at += bytes
    }
  }

  async #readFrozen(offset: number, into: Uint8Array): Promise<void> {
    const work = (async () => this.#parts.source.read(offset, into))()
    const over = work.then(
      () => undefined,
      () => undefined,
    )
    const frozen = { offset, end: offset + into.length, over }
    this.#frozenReads.add(frozen)
    try {
      await work
    } finally {
      this.#frozenReads.delete(frozen)
    }
  }

  async #thawed(offset: number, bytes: number): Promise<void> {
    for (;;) {
      const frozen = this.#overlapping(offset, bytes)
      if (frozen === undefined) return
      await frozen.over
    }
  }

  #overlapping(offset: number, bytes: number): FrozenRead | undefined {
    for (const read of this.#frozenReads) {
      if (read.offset < offset + bytes && offset < read.end) return read
    }
    return undefined
  }

  #checkAccess(offset: number, bytes: number): void {
    if (this.#broken || !this.#parts.access.covers(offset, bytes)) throw ioError('EACCES')
  }
}
