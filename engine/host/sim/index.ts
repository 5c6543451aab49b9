/**
 * The simulated host: memory files, virtual time, a seeded scheduler and sockets in memory. Nothing
 * in it touches the machine, and the same seed gives the same run, byte for byte.
 */
import { systemCompression } from '../compression.ts'
import type { Host } from '../host.ts'
import { createSimFiles, releaseFiles, type SavedFiles, type SimFiles } from './files.ts'
import { Prng } from './prng.ts'
import { Scheduler } from './scheduler.ts'
import { createSimSockets } from './sockets.ts'
import { LONELY_GUEST, type Surroundings } from './surroundings.ts'

export { SimStalled } from './scheduler.ts'
export type { Surroundings } from './surroundings.ts'

export interface SimHostOptions {
  /** Decides which of several ready tasks runs next, and the host's random numbers. */
  readonly seed?: number
  /** Replaces the seed's choice among `count` (at least 2) ready tasks: 0 is the oldest. */
  readonly choose?: (count: number) => number
  /** Time of day at which the simulation begins. */
  readonly epochSeconds?: number
  /** What differs from a guest whose host does not answer. */
  readonly surroundings?: Partial<Surroundings>
}

export interface SimHost extends Host {
  readonly kind: 'sim'
  readonly files: SimFiles
  /** Makes a task ready; it runs when the scheduler chooses it. */
  post(task: () => void): void
  /**
   * Drives the simulation until `work` settles: runs what is ready, else jumps the clock to the
   * next timer.
   *
   * @param what - Named by the error when the work cannot finish.
   * @throws {SimStalled} when nothing can run any more, or `limitNs` have passed.
   */
  run<T>(work: Promise<T>, limitNs?: number, what?: string): Promise<T>
  /** Runs all that is due up to `ns` from now and ends exactly there. */
  advance(ns: number): Promise<void>
  /** Runs all that is ready without moving the clock. */
  idle(): Promise<void>
  /** All that goes on from here depends on, while no file is open and nothing under way. */
  save(): SimState
  /** Goes on from there. The host is a fresh one, made with the options of the one that saved it. */
  restore(state: SimState): void
}

export interface SimState {
  readonly files: SavedFiles
  /** What the files take. */
  readonly storedBytes: number
  readonly nowNs: number
  /** Of the seed's choice among tasks, and of random numbers. */
  readonly prngs: readonly number[]
  /** Gives its memory back: nobody goes on from there any more. */
  release(): void
}

/** 2001-09-09T01:46:40Z: recognisable, and of the width of today's. */
const DEFAULT_EPOCH_SECONDS = 1_000_000_000

export function createSimHost(options: SimHostOptions = {}): SimHost {
  const seed = options.seed ?? 0
  const choices = new Prng(seed)
  const scheduler = new Scheduler({
    choose: options.choose ?? ((count) => choices.below(count)),
    epochSeconds: options.epochSeconds ?? DEFAULT_EPOCH_SECONDS,
    describe: () => {
      const count = sockets.openConnections()
      return count === 0 ? '' : `open connections: ${String(count)}`
    },
  })
  const post = (task: () => void): void => {
    scheduler.post(task)
  }
  const surroundings = { ...LONELY_GUEST, ...options.surroundings }
  const sockets = createSimSockets(post, scheduler.clock, surroundings)
  // Not the scheduler's sequence: a random number must not depend on how many tasks ran before.
  const random = new Prng(seed ^ 0x5bd1_e995)
  const files = createSimFiles(scheduler.clock)
  return {
    kind: 'sim',
    files,
    clock: scheduler.clock,
    random: { below: (bound) => random.below(bound) },
    sockets,
    compression: systemCompression,
    account: undefined,
    post,
    run: (work, limitNs, what) => scheduler.run(work, limitNs, what),
    advance: (ns) => scheduler.advance(ns),
    idle: () => scheduler.idle(),
    save() {
      const saved = files.save()
      let storedBytes = 0
      for (const { disk } of saved.values()) storedBytes += disk.allocatedBytes()
      return {
        files: saved,
        storedBytes,
        nowNs: scheduler.clock.nowNs(),
        prngs: [choices.state, random.state],
        release: () => {
          releaseFiles(saved)
        },
      }
    },
    restore({ files: saved, nowNs, prngs: [choice = 0, number = 0] }) {
      files.restore(saved)
      scheduler.begin(nowNs)
      choices.state = choice
      random.state = number
    },
  }
}
