/**
 * For tests: a node of memory whose requests take steps on the simulated host, every order in which
 * the host can run the steps of a few tasks, and the byte array by which each order is explained.
 */
import assert from 'node:assert/strict'
import { defineDriver, type Driver, type Limits } from '../block/driver.ts'
import type { User } from '../graph/graph.ts'
import type { SimHost } from '../host/sim/index.ts'

export interface MemoryRequest {
  readonly kind: 'read' | 'write' | 'discard' | 'flush'
  readonly offset: number
  readonly bytes: number
}

interface Memory {
  readonly driver: Driver
  /** What is stored, as it is now. */
  readonly bytes: Uint8Array
  /** Requests that reached the driver. */
  readonly requests: MemoryRequest[]
  /** Those of them that wait for their turn, as they are now. */
  readonly waiting: ReadonlySet<MemoryRequest>
}

/**
 * @param host - Where each request waits for its turn; without one all complete at once.
 * @param takesTurn - Which requests wait; the others complete at once.
 */
export function memory(
  size: number,
  limits: Partial<Limits> = {},
  host?: SimHost,
  takesTurn: (request: MemoryRequest) => boolean = () => true,
): Memory {
  const bytes = new Uint8Array(size)
  const requests: MemoryRequest[] = []
  const waiting = new Set<MemoryRequest>()
  const inTurn = (request: MemoryRequest, run: () => void): void | Promise<void> => {
    requests.push(request)
    if (host === undefined || !takesTurn(request)) {
      run()
      return
    }
    waiting.add(request)
    return nextTurn(host).then(() => {
      waiting.delete(request)
      run()
    })
  }
  const driver = defineDriver({
    name: 'memory',
    kind: 'protocol',
    doc: 'Bytes of a test.',
    options: {},
    children: {},
    open: () => ({
      length: () => size,
      limits: () => limits,
      read: (offset, into) =>
        inTurn({ kind: 'read', offset, bytes: into.length }, () => {
          into.set(bytes.subarray(offset, offset + into.length))
        }),
      discard: (offset, count) =>
        inTurn({ kind: 'discard', offset, bytes: count }, () => {
          bytes.fill(0, offset, offset + count)
        }),
      reopen: () => ({}),
      flush: () => inTurn({ kind: 'flush', offset: 0, bytes: 0 }, () => undefined),
      write: (offset, data) =>
        inTurn({ kind: 'write', offset, bytes: data.length }, () => {
          bytes.set(data, offset)
        }),
    }),
  })
  return { driver, bytes, requests, waiting }
}

function nextTurn(host: SimHost): Promise<void> {
  return new Promise((resolve) => {
    host.post(resolve)
  })
}

// --- Orders of tasks -----------------------------------------------------------------------------

interface Request {
  readonly kind: 'write' | 'read' | 'discard'
  readonly from: number
  readonly to: number
  /** The byte that a write writes. */
  readonly fill: number
}

export type Task = Request | { readonly kind: 'drain' } | { readonly kind: 'reopen' }

export const write = (from: number, to: number, fill: number): Task => ({
  kind: 'write',
  from,
  to,
  fill,
})
export const read = (from: number, to: number): Task => ({ kind: 'read', from, to, fill: 0 })
export const discard = (from: number, to: number): Task => ({ kind: 'discard', from, to, fill: 0 })
export const drain: Task = { kind: 'drain' }
export const reopen: Task = { kind: 'reopen' }

/** Chooses one of `count` ready steps. */
export type Choose = (count: number) => number

/** Calls `run` once for every sequence of choices that it can meet; returns how often. */
export async function everySchedule(run: (choose: Choose) => Promise<void>): Promise<number> {
  let prefix: number[] = []
  for (let runs = 1; ; runs++) {
    const taken: { choice: number; count: number }[] = []
    await run((count) => {
      const choice = prefix[taken.length] ?? 0
      taken.push({ choice, count })
      return choice
    })
    while ((taken.at(-1)?.choice ?? 0) + 1 === taken.at(-1)?.count) taken.pop()
    if (taken.length === 0) return runs
    prefix = taken.map(({ choice }) => choice)
    prefix[prefix.length - 1] = (prefix.at(-1) ?? 0) + 1
  }
}

/** A request that ran, with the ticks at which it began and ended, and what it moved. */
interface Ran {
  readonly kind: 'write' | 'read'
  readonly from: number
  readonly data: Uint8Array
  /** The byte that a write left everywhere. */
  readonly fill: number
  readonly began: number
  readonly ended: number
}

/** Where tasks run. */
interface Place {
  readonly host: SimHost
  readonly user: User
  readonly reopen: () => Promise<unknown>
  /** Holds a drained section of the node below. */
  readonly drain: () => Promise<unknown>
}

/** Runs the tasks at once; each begins with a step of its own. */
export async function playTasks(tasks: readonly Task[], place: Place): Promise<readonly Ran[]> {
  const { host, user } = place
  const ran: Ran[] = []
  let tick = 0
  const request = async (task: Request): Promise<void> => {
    const data = new Uint8Array(task.to - task.from).fill(task.fill)
    const began = tick++
    if (task.kind === 'write') await user.write(task.from, data)
    else if (task.kind === 'read') await user.read(task.from, data)
    else await user.discard(task.from, data.length)
    // What is discarded reads as zeroes, as if they had been written.
    const kind = task.kind === 'read' ? 'read' : 'write'
    ran.push({ kind, from: task.from, data, fill: task.fill, began, ended: tick++ })
  }
  const start = async (task: Task): Promise<void> => {
    await nextTurn(host)
    if (task.kind === 'drain') await place.drain()
    else if (task.kind === 'reopen') await place.reopen()
    else await request(task)
  }
  await host.run(Promise.all(tasks.map(start)))
  return ran
}

/** A write that was over before the first task began. */
export function wroteBefore(from: number, to: number, fill: number): Ran {
  const data = new Uint8Array(to - from)
  return { kind: 'write', from, data, fill, began: NEVER_WRITTEN / 2, ended: NEVER_WRITTEN / 2 }
}

/** The tick at which every byte became zero. */
const NEVER_WRITTEN = -1

/**
 * Every byte that was seen, by a read or in `end`, comes from a write that may have been the last
 * one then, or is zero if none was over.
 */
export function explain(ran: readonly Ran[], end: Uint8Array): void {
  const last = { from: 0, data: end, began: Infinity, ended: Infinity }
  const writes = ran.filter(({ kind }) => kind === 'write')
  for (const seen of [...ran.filter(({ kind }) => kind === 'read'), last]) {
    const to = seen.from + seen.data.length
    // Between two of these all bytes have the same writes.
    const cuts = [seen.from, to, ...writes.flatMap((one) => [one.from, endOf(one)])]
      .filter((cut) => cut >= seen.from && cut <= to)
      .sort((a, b) => a - b)
    for (const [index, cut] of cuts.entries()) {
      const next = cuts[index + 1] ?? to
      if (next === cut) continue
      const allowed = allowedAt(
        seen,
        writes.filter((one) => one.from <= cut && endOf(one) >= next),
      )
      const wrong = seen.data
        .subarray(cut - seen.from, next - seen.from)
        .findIndex((value) => !allowed.has(value))
      if (wrong < 0) continue
      const value = seen.data[cut - seen.from + wrong]
      assert.fail(
        `byte ${String(cut + wrong)} is ${String(value)}, not ${[...allowed].join(' or ')}`,
      )
    }
  }
}

function allowedAt(
  seen: Pick<Ran, 'began' | 'ended'>,
  covering: readonly Ran[],
): ReadonlySet<number> {
  // Overwritten: another write of the byte began after this one's end, and was over in time.
  const isStale = (ended: number) =>
    covering.some((other) => other.began > ended && other.ended < seen.began)
  const fresh = covering.filter((one) => one.began < seen.ended && !isStale(one.ended))
  const values = fresh.map(({ fill }) => fill)
  return new Set(isStale(NEVER_WRITTEN) ? values : [...values, 0])
}

function endOf({ from, data }: Ran): number {
  return from + data.length
}
