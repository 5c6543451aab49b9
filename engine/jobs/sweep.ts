/** Going through a disk once, a stretch at a time: what commits and streams have in common. */
import type { Failure, Side } from '../copy/transfer.ts'
import { BlockError } from '../util/errors.ts'
import type { JobControl } from './kind.ts'
import type { JobRoutine } from './strand.ts'

/** Longest stretch, as with 7.2. */
export const STRETCH_BYTES = 512 * 1024

/** What is worked on; the step says in it how far it is, so that it is known when it fails. */
export class Stretch {
  readonly offset: number
  /** Becomes less where not all is alike. */
  bytes: number
  /** It is moved, which counts against the job's speed. */
  moved = false
  /** The disk that the next request goes to. */
  side: Side = 'read'
  readonly #buffer: Uint8Array

  constructor(offset: number, bytes: number, buffer: Uint8Array) {
    this.offset = offset
    this.bytes = bytes
    this.#buffer = buffer
  }

  /** A place for its data. */
  get data(): Uint8Array {
    const { bytes } = this
    return bytes > this.#buffer.length ? new Uint8Array(bytes) : this.#buffer.subarray(0, bytes)
  }
}

export interface SweepAbout {
  /** Of the disk. */
  readonly bytes: number
  /** Deals with a stretch, or the beginning of it. @throws {BlockError} what failed. */
  step(stretch: Stretch): JobRoutine<void>
  /** @returns Whether to leave it at that, and not to try again. */
  failed(failure: Failure): boolean
}

export function* sweep(job: JobControl, about: SweepAbout): JobRoutine<void> {
  const { bytes: end } = about
  job.setRemaining(end)
  const buffer = new Uint8Array(Math.min(STRETCH_BYTES, end))
  let delayNs = 0
  for (let offset = 0; offset < end;) {
    yield* job.sleep(delayNs)
    const stretch = new Stretch(offset, Math.min(STRETCH_BYTES, end - offset), buffer)
    try {
      yield* about.step(stretch)
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      if (!about.failed({ side: stretch.side, error })) continue
    }
    const { bytes, moved } = stretch
    job.advance(bytes)
    offset += bytes
    delayNs = moved ? job.delayNs(bytes) : 0
  }
}
