/**
 * The heart of the simulated host: tasks that are ready, timers that are not, and a clock that
 * moves only when nothing is ready. Which ready task runs next is the seed's choice, so another
 * seed is another interleaving, and the same seed replays exactly.
 */
import { assert } from '../../util/assert.ts'
import type { Clock, Timer } from '../host.ts'

/** The simulation cannot go on, but what was waited for has not happened. */
export class SimStalled extends Error {
  override readonly name = 'SimStalled'
}

interface PendingTimer {
  readonly dueNs: number
  /** Timers of one instant become ready in the order of their making. */
  readonly serial: number
  fire: () => void
  cancelled: boolean
}

interface Task {
  readonly run: () => void
  /** The timer that the task stands for; a timer cancelled while ready does not fire. */
  readonly timer: PendingTimer | undefined
}

export interface SchedulerOptions {
  /** Picks one of `count` ready tasks, `count` at least 2. */
  readonly choose: (count: number) => number
  /** Time of day at which the simulation begins, in seconds. */
  readonly epochSeconds: number
  /** Says what is open, for the message of a stall. */
  readonly describe: () => string
}

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #ready: Task[] = []
  /** A binary heap, soonest first. */
  readonly #timers: PendingTimer[] = []
  #nowNs = 0
  #serial = 0
  /** Steps of `idle` and `advance` under way; while one is, it alone drives. */
  #steps = 0

  readonly clock: Clock = {
    nowNs: () => this.#nowNs,
    timeOfDay: () => ({
      seconds: this.#options.epochSeconds + Math.floor(this.#nowNs / 1e9),
      microseconds: Math.floor((this.#nowNs % 1e9) / 1e3),
    }),
    after: (delayNs, fire) => this.#after(delayNs, fire),
  }

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  /** Sets the clock before anything has run. */
  begin(nowNs: number): void {
    this.#nowNs = nowNs
  }

  /** Makes a task ready. It runs later, never within the call. */
  post(run: () => void): void {
    this.#ready.push({ run, timer: undefined })
  }

  /**
   * Drives the simulation until `work` settles, and returns or throws what it came to. The work may
   * itself use `idle` and `advance`.
   */
  run<T>(work: Promise<T>, limitNs = Infinity, what = 'the work'): Promise<T> {
    const state = { settled: false }
    const settle = (): void => {
      state.settled = true
    }
    work.then(settle, settle)
    const endNs = this.#nowNs + limitNs
    const turn = (): void => {
      if (this.#steps > 0 || this.#runOne()) return
      const next = this.#nextDueNs()
      if (next === undefined) throw this.#stalled(what, 'nothing is left to run')
      if (next > endNs) throw this.#stalled(what, `the limit of ${String(limitNs)} ns has passed`)
      this.#moveTo(next)
    }
    // Called back and not awaited: a scenario takes hundreds of turns, and each would make promises.
    return new Promise<T>((resolve, reject) => {
      const afterMicrotasks = (): void => {
        if (state.settled) {
          resolve(work)
          return
        }
        try {
          turn()
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
          return
        }
        void NOW.then(onceThereAreNone)
      }
      const onceThereAreNone = (): void => {
        process.nextTick(afterMicrotasks)
      }
      void NOW.then(onceThereAreNone)
    })
  }

  /** Runs all that is ready without moving the clock. */
  async idle(): Promise<void> {
    await this.#step(async () => {
      do await microtasks()
      while (this.#runOne())
    })
  }

  /** Runs all that is due up to `ns` from now and ends exactly there. */
  async advance(ns: number): Promise<void> {
    assert(ns >= 0, 'time runs forwards')
    const endNs = this.#nowNs + ns
    await this.#step(async () => {
      for (;;) {
        await this.idle()
        const next = this.#nextDueNs()
        if (next === undefined || next > endNs) break
        this.#moveTo(next)
      }
      this.#nowNs = Math.max(this.#nowNs, endNs)
    })
  }

  async #step(work: () => Promise<void>): Promise<void> {
    this.#steps += 1
    try {
      await work()
    } finally {
      this.#steps -= 1
    }
  }

  #after(delayNs: number, fire: () => void): Timer {
    const timer: PendingTimer = {
      dueNs: this.#nowNs + Math.max(0, Math.ceil(delayNs)),
      serial: this.#serial++,
      fire,
      cancelled: false,
    }
    if (timer.dueNs <= this.#nowNs) this.#ready.push({ run: fire, timer })
    else heapPush(this.#timers, timer)
    return {
      cancel: () => {
        timer.cancelled = true
        // It stays in the heap until it would be due, and must keep nothing alive until then.
        timer.fire = NOTHING
      },
    }
  }

  #runOne(): boolean {
    for (;;) {
      const count = this.#ready.length
      if (count === 0) return false
      const index = count === 1 ? 0 : this.#options.choose(count)
      const [task] = this.#ready.splice(index, 1)
      assert(task !== undefined, 'the choice is one of the ready tasks')
      if (task.timer?.cancelled === true) continue
      task.run()
      return true
    }
  }

  #nextDueNs(): number | undefined {
    for (;;) {
      const first = this.#timers[0]
      if (first === undefined) return undefined
      if (!first.cancelled) return first.dueNs
      heapPop(this.#timers)
    }
  }

  #moveTo(dueNs: number): void {
    this.#nowNs = dueNs
    for (;;) {
      const first = this.#timers[0]
      if (first === undefined || first.dueNs > dueNs) return
      heapPop(this.#timers)
      if (!first.cancelled) this.#ready.push({ run: first.fire, timer: first })
    }
  }

  #stalled(what: string, why: string): SimStalled {
    const timers = this.#timers.filter((timer) => !timer.cancelled).length
    const open = this.#options.describe()
    return new SimStalled(
      `simulation stalled at ${String(this.#nowNs)} ns, waiting for ${what}: ${why}` +
        ` (timers: ${String(timers)}${open === '' ? '' : `, ${open}`})`,
    )
  }
}

const NOW = Promise.resolve()

const NOTHING = (): void => undefined

/**
 * Resolves when no microtask is left. A tick callback made from within a microtask runs only once
 * the microtask queue is empty, at a tenth of what a turn of the event loop costs.
 */
function microtasks(): Promise<void> {
  return new Promise<void>((resolve) => {
    // The caller may not be in a microtask: then the tick would come before them.
    void NOW.then(() => {
      process.nextTick(resolve)
    })
  })
}

function before(left: PendingTimer, right: PendingTimer): boolean {
  return left.dueNs < right.dueNs || (left.dueNs === right.dueNs && left.serial < right.serial)
}

function heapPush(heap: PendingTimer[], timer: PendingTimer): void {
  let index = heap.length
  heap.push(timer)
  while (index > 0) {
    const up = (index - 1) >> 1
    const parent = heap[up]
    if (parent === undefined || !before(timer, parent)) break
    heap[index] = parent
    index = up
  }
  heap[index] = timer
}

function heapPop(heap: PendingTimer[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    let down = 2 * index + 1
    let child = heap[down]
    const other = heap[down + 1]
    if (child !== undefined && other !== undefined && before(other, child)) {
      child = other
      down += 1
    }
    if (child === undefined || !before(child, last)) break
    heap[index] = child
    index = down
  }
  heap[index] = last
}
