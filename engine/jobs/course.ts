/**
 * The course of a job's work: it goes on, waits for a request, or rests until it is woken or its time
 * has come. Why it rests is the job's business; here is who hears of it.
 */
import type { DrainedSection, GraphNode } from '../graph/graph.ts'
import type { Clock, Timer } from '../host/host.ts'
import type { MaybePromise } from '../util/async.ts'
import { PARKED, Strand, type JobRoutine } from './strand.ts'

export class Course {
  readonly #clock: Clock
  readonly #busyChanged: (busy: boolean) => void
  #strand: Strand | undefined
  #timer: Timer | undefined
  #busy = false
  /** Neither over, nor at rest, nor waiting for a request. */
  #active = false
  #restWaiters: (() => void)[] = []

  /** @param busyChanged - Drained sections wait for what is busy. */
  constructor(clock: Clock, busyChanged: (busy: boolean) => void) {
    this.#clock = clock
    this.#busyChanged = busyChanged
  }

  get isStarted(): boolean {
    return this.#strand !== undefined
  }

  /** It works, or waits for a request of its own. */
  get busy(): boolean {
    return this.#busy
  }

  /** It rests by the clock. */
  get sleeps(): boolean {
    return this.#timer !== undefined
  }

  /** @param ended - Called once, with what was thrown, or nothing; `over` follows. */
  start(routine: JobRoutine<void>, ended: (error: unknown) => void): void {
    this.#strand = new Strand(routine, ended)
    this.#setBusy(true)
    this.#setActive(true)
    this.#strand.start()
  }

  /** Goes on if it rests. */
  enter(): void {
    if (this.#strand?.isParked !== true) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#setBusy(true)
    this.#setActive(true)
    this.#strand.wake()
  }

  over(): void {
    this.#setActive(false)
    // No drained section waits for a job whose work is over.
    this.#setBusy(false)
  }

  /** Its outcome is out: what it was busy with is over. */
  settle(): void {
    this.#setBusy(false)
  }

  /** Resolves once it rests, is over or waits for a request. */
  async atRest(): Promise<void> {
    while (this.#active) await new Promise<void>((resolve) => this.#restWaiters.push(resolve))
  }

  /** Resolves after a turn of everybody else. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(0, resolve))
  }

  // What happens on it.

  /** Rests until `enter`, or that long. */
  *park(ns: number | undefined): JobRoutine<void> {
    if (ns !== undefined) {
      this.#timer = this.#clock.after(ns, () => {
        this.#timer = undefined
        this.enter()
      })
    }
    this.#setBusy(false)
    this.#setActive(false)
    yield PARKED
  }

  *request<T>(make: () => MaybePromise<T>): JobRoutine<T> {
    const value = make()
    this.#setActive(false)
    try {
      // Strands get the value of what they yield.
      return (yield afterTurn(value, this.turn())) as T
    } finally {
      this.#setActive(true)
    }
  }

  *drain(node: GraphNode): JobRoutine<DrainedSection> {
    const drained = afterTurn(node.drained(), this.turn())
    // The section waits for jobs too, and this one has no requests under way.
    this.#setBusy(false)
    this.#setActive(false)
    const section = (yield drained) as DrainedSection
    this.#setBusy(true)
    this.#setActive(true)
    return section
  }

  #setBusy(busy: boolean): void {
    if (busy === this.#busy) return
    this.#busy = busy
    this.#busyChanged(busy)
  }

  #setActive(active: boolean): void {
    this.#active = active
    if (active) return
    const waiters = this.#restWaiters
    this.#restWaiters = []
    for (const wake of waiters) wake()
  }
}

/** A value that is not to be had before the turn is over; nor is a failure, but one at once. */
async function afterTurn<T>(value: MaybePromise<T>, turn: Promise<void>): Promise<T> {
  try {
    return await value
  } finally {
    await turn
  }
}
