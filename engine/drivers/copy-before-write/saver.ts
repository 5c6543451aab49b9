/** Saves what writes are about to replace, and decides what it means when that fails. */
import type { CopyRequest, Services } from '../../block/driver.ts'
import type { Bitmap } from '../../bitmap/bitmap.ts'
import { alignDown, alignUp } from '../../util/align.ts'
import { isPromise, type MaybePromise } from '../../util/async.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import type { BlockCopy } from '../../copy/block-copy.ts'
import type { Snapshot } from './snapshot.ts'

export interface SaverParts {
  readonly copy: BlockCopy
  readonly snapshot: Snapshot
  readonly done: Bitmap
  readonly services: Services
  readonly breaksSnapshot: boolean
  /** 0: it may take as long as it likes. */
  readonly timeoutNs: number
}

export class Saver {
  readonly #parts: SaverParts
  /** Copies that nobody waits for any more. */
  readonly #abandoned = new Set<Promise<void>>()

  constructor(parts: SaverParts) {
    this.#parts = parts
  }

  /** @throws {BlockError} where the write must not happen. */
  save(offset: number, bytes: number): MaybePromise<void> {
    const { snapshot, done, breaksSnapshot } = this.#parts
    if (snapshot.broken) return
    const { granularity } = done
    const from = alignDown(offset, granularity)
    const length = alignUp(offset + bytes, granularity) - from
    const saved = (): MaybePromise<void> => {
      done.mark(from, length)
      return snapshot.thawed(from, length)
    }
    const failed = (error: unknown): MaybePromise<void> => {
      if (!(error instanceof BlockError) || !breaksSnapshot) throw error
      snapshot.break()
      return snapshot.thawed(from, length)
    }
    const copied = this.#copy(from, length)
    return isPromise(copied) ? copied.then(saved, failed) : saved()
  }

  /** Resolves when no copy runs any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#abandoned)
  }

  #copy(offset: number, bytes: number): MaybePromise<void> {
    const { copy, timeoutNs } = this.#parts
    if (timeoutNs === 0) return copy.copy(offset, bytes)
    const request = copy.request()
    const copied = copy.copy(offset, bytes, request)
    return isPromise(copied) ? this.#inTime(copied, request) : copied
  }

  #inTime(copied: Promise<void>, request: CopyRequest): Promise<void> {
    const { services, timeoutNs } = this.#parts
    return new Promise<void>((resolve, reject) => {
      const timer = services.clock.after(timeoutNs, () => {
        request.cancel()
        const rest = copied.catch(() => undefined).finally(() => this.#abandoned.delete(rest))
        this.#abandoned.add(rest)
        reject(ioError('ETIMEDOUT'))
      })
      copied.then(resolve, reject).finally(() => {
        timer.cancel()
      })
    })
  }
}
