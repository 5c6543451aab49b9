/**
 * Tests of concurrent requests: every order in which the host can run the steps of a few tasks is
 * tried, and what was read and what is stored at the end must be explained by a byte array.
 */
import assert from 'node:assert/strict'
import { testWorld } from '../graph/testing.ts'
import { createSimHost } from '../host/sim/index.ts'
import { raw } from '../drivers/raw.ts'
import { requestPaths } from './paths.ts'
import { memory } from './testing.ts'

const SIZE = 2048
const ALIGNMENT = 512

type Task =
  | { readonly kind: 'write'; readonly from: number; readonly to: number; readonly fill: number }
  | { readonly kind: 'read'; readonly from: number; readonly to: number }
  | { readonly kind: 'discard'; readonly from: number; readonly to: number }
  | { readonly kind: 'drain' }
  | { readonly kind: 'reopen' }

const write = (from: number, to: number, fill: number): Task => ({ kind: 'write', from, to, fill })
const read = (from: number, to: number): Task => ({ kind: 'read', from, to })
const discard = (from: number, to: number): Task => ({ kind: 'discard', from, to })
const drain: Task = { kind: 'drain' }
const reopen: Task = { kind: 'reopen' }

/** A request that ran, with the ticks at which it began and ended, and what it moved. */
interface Ran {
  readonly kind: 'write' | 'read'
  readonly from: number
  readonly data: Uint8Array
  readonly began: number
  readonly ended: number
}

/** Calls `run` once for every sequence of choices that it can meet. */
async function everySchedule(
  run: (choose: (count: number) => number) => Promise<void>,
): Promise<number> {
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

async function play(tasks: readonly Task[], choose: (count: number) => number): Promise<void> {
  const host = createSimHost({ choose })
  const store = memory(SIZE, { requestAlignment: ALIGNMENT }, host)
  const { graph, add, writer } = testWorld([store.driver, raw], requestPaths, host)
  const top = { driver: 'raw', 'node-name': 'r', file: 'm', discard: 'unmap' }
  await add({ driver: 'memory', 'node-name': 'm', discard: 'unmap' }, top)
  const user = writer('r')
  const ran: Ran[] = []
  let tick = 0
  let running = 0
  const step = () =>
    new Promise<void>((resolve) => {
      host.post(resolve)
    })
  const request = async (task: Task & { kind: 'write' | 'read' | 'discard' }): Promise<void> => {
    const data = new Uint8Array(task.to - task.from)
    if (task.kind === 'write') data.fill(task.fill)
    const began = tick++
    if (task.kind === 'write') await user.write(task.from, data)
    else if (task.kind === 'read') await user.read(task.from, data)
    else await user.discard(task.from, data.length)
    // What is discarded reads as zeroes, as if they had been written.
    const kind = task.kind === 'read' ? 'read' : 'write'
    ran.push({ kind, from: task.from, data, began, ended: tick++ })
  }
  const section = async (): Promise<void> => {
    await using _section = await graph.find('m').drained()
    const before = store.requests.length
    running++
    await step()
    running--
    assert.equal(store.requests.length, before, 'a request reached the driver while drained')
  }
  const start = async (task: Task): Promise<void> => {
    await step()
    if (task.kind === 'drain') await section()
    else if (task.kind === 'reopen') await graph.reopen([{ ...top, 'detect-zeroes': 'on' }])
    else await request(task)
  }
  await host.run(Promise.all(tasks.map(start)))
  assert.equal(running, 0)
  explain(ran, { from: 0, data: store.bytes, began: tick, ended: tick })
}

/** Every byte that was seen comes from a write that may have been the last one then. */
function explain(ran: readonly Ran[], end: Pick<Ran, 'from' | 'data' | 'began' | 'ended'>): void {
  const writes = ran.filter(({ kind }) => kind === 'write')
  for (const seen of [...ran.filter(({ kind }) => kind === 'read'), end]) {
    seen.data.forEach((value, index) => {
      const offset = seen.from + index
      const covering = writes.filter((one) => byteAt(one, offset) !== undefined)
      // Overwritten: another write of the byte began after this one's end, and was over in time.
      const isStale = (ended: number) =>
        covering.some((other) => other.began > ended && other.ended < seen.began)
      const fresh = covering.filter((one) => one.began < seen.ended && !isStale(one.ended))
      const values = fresh.map((one) => byteAt(one, offset))
      if (!isStale(-1)) values.push(0)
      assert.ok(values.includes(value), `byte ${String(offset)} is ${String(value)}`)
    })
  }
}

function byteAt({ from, data }: Ran, offset: number): number | undefined {
  return data[offset - from]
}

describe('overlapping requests', () => {
  const CASES: readonly (readonly [what: string, tasks: readonly Task[]])[] = [
    ['two writes in one block', [write(0, 100, 1), write(50, 300, 2)]],
    ['two writes side by side in one block', [write(0, 100, 1), write(100, 512, 2)]],
    ['a write over the edge of two blocks', [write(500, 600, 1), write(400, 520, 2)]],
    ['a write and two reads', [write(10, 600, 1), read(0, 512), read(300, 1024)]],
    ['an aligned write among unaligned ones', [write(0, 512, 1), write(5, 50, 2), read(0, 512)]],
    ['three writes of one block', [write(0, 9, 1), write(9, 20, 2), write(5, 12, 3)]],
    ['a write, a read and a drained section', [write(3, 77, 1), read(0, 100), drain]],
    ['two writes and a drained section', [write(3, 77, 1), write(50, 99, 2), drain]],
    ['two drained sections around a write', [write(3, 77, 1), drain, drain]],
    [
      'two writes, a read and a drained section',
      [write(3, 77, 1), write(50, 99, 2), read(0, 128), drain],
    ],
    ['a write and a discard of one block', [write(3, 77, 1), discard(0, 512)]],
    ['a write, a discard and a read', [write(0, 512, 1), discard(0, 1024), read(0, 512)]],
    ['a write and a reopening', [write(3, 77, 1), reopen]],
    ['a write, a discard and a reopening', [write(3, 77, 1), discard(0, 512), reopen]],
    [
      'a write, a discard, a read and a reopening',
      [write(0, 512, 1), discard(0, 512), read(0, 512), reopen],
    ],
  ]
  for (const [what, tasks] of CASES) {
    it(`are explained by a byte array in every order: ${what}`, async () => {
      const runs = await everySchedule((choose) => play(tasks, choose))
      assert.ok(runs > 1)
    })
  }
})
