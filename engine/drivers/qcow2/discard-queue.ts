/** Freed places of the file that are to be discarded, neighbours joined. */
import { BlockError } from '../../util/errors.ts'
import { wait, type Routine } from '../../util/routine.ts'
import type { Storage } from './storage.ts'

export class DiscardQueue {
  #runs: { offset: number; bytes: number }[] = []
  /** While true, what is queued waits for `process`. */
  held = false

  add(offset: number, bytes: number): void {
    for (const run of this.#runs) {
      if (run.offset + run.bytes === offset) {
        run.bytes += bytes
        return
      }
      if (offset + bytes === run.offset) {
        run.offset = offset
        run.bytes += bytes
        return
      }
    }
    this.#runs.push({ offset, bytes })
  }

  /** Discards all that is queued. That it cannot be done is no failure. */
  *process(file: Storage): Routine<void> {
    const runs = this.#runs
    this.#runs = []
    for (const { offset, bytes } of runs) {
      try {
        yield* wait(file.discard(offset, bytes))
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
      }
    }
  }

  clear(): void {
    this.#runs = []
  }
}
