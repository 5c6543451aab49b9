/** Freed places of the file that are to be discarded, neighbours joined. */
import { BlockError } from '../../util/errors.ts'
import { wait, type Routine } from '../../util/routine.ts'
import type { Storage } from './storage.ts'

interface Run {
  offset: number
  bytes: number
}

export class DiscardQueue {
  #runs: Run[] = []
  /** While true, what is queued waits for `process`. */
  held = false

  add(offset: number, bytes: number): void {
    const run = this.#runs.find((each) => touches(each, { offset, bytes }))
    if (run === undefined) {
      this.#runs.push({ offset, bytes })
      return
    }
    take(run, { offset, bytes })
    // It may have closed the gap before a run that was queued later.
    const next = this.#runs.findIndex((each) => touches(each, run))
    const [joined] = next === -1 ? [] : this.#runs.splice(next, 1)
    if (joined !== undefined) take(run, joined)
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

function touches(a: Run, b: Run): boolean {
  return a.offset + a.bytes === b.offset || b.offset + b.bytes === a.offset
}

function take(run: Run, other: Run): void {
  run.offset = Math.min(run.offset, other.offset)
  run.bytes += other.bytes
}
