/**
 * A job's own line of work: a generator that runs on the caller's stack until it waits for a
 * request or parks itself. A parked strand goes on, again on the caller's stack, when it is woken:
 * who pauses a resting job sees it paused when the call returns.
 */
import { assert } from '../util/assert.ts'

/** What a strand yields to rest until it is woken. */
export const PARKED = Symbol('parked')

/** Yields promises, whose values it gets, or `PARKED`. `Routine`s can be delegated to. */
export type JobRoutine<T> = Generator<Promise<unknown> | typeof PARKED, T, unknown>

export class Strand {
  readonly #routine: JobRoutine<void>
  readonly #ended: (error: unknown) => void
  #parked = false

  /** @param ended - Called once, with what was thrown, or nothing. */
  constructor(routine: JobRoutine<void>, ended: (error: unknown) => void) {
    this.#routine = routine
    this.#ended = ended
  }

  get isParked(): boolean {
    return this.#parked
  }

  start(): void {
    this.#go(() => this.#routine.next())
  }

  wake(): void {
    assert(this.#parked, 'only what rests can be woken')
    this.#parked = false
    this.#go(() => this.#routine.next())
  }

  #go(resume: () => IteratorResult<Promise<unknown> | typeof PARKED, void>): void {
    let step: IteratorResult<Promise<unknown> | typeof PARKED, void>
    try {
      step = resume()
    } catch (error) {
      this.#ended(error)
      return
    }
    if (step.done === true) this.#ended(undefined)
    else if (step.value === PARKED) this.#parked = true
    else {
      step.value.then(
        (value) => {
          this.#go(() => this.#routine.next(value))
        },
        (error: unknown) => {
          this.#go(() => this.#routine.throw(error))
        },
      )
    }
  }
}
