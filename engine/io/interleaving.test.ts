/**
 * Tests of concurrent requests: every order in which the host can run the steps of a few tasks is
 * tried, and what was read and what is stored at the end must be explained by a byte array.
 */
import assert from 'node:assert/strict'
import { testWorld } from '../graph/testing.ts'
import { createSimHost } from '../host/sim/index.ts'
import { raw } from '../drivers/raw.ts'
import { requestPaths } from './paths.ts'
import {
  discard,
  drain,
  everySchedule,
  explain,
  memory,
  playTasks,
  read,
  reopen,
  write,
  type Choose,
  type Task,
} from './testing.ts'

const SIZE = 2048
const ALIGNMENT = 512

async function play(tasks: readonly Task[], choose: Choose): Promise<void> {
  const host = createSimHost({ choose })
  const store = memory(SIZE, { requestAlignment: ALIGNMENT }, host)
  const { graph, add, writer } = testWorld([store.driver, raw], requestPaths, host)
  const top = { driver: 'raw', 'node-name': 'r', file: 'm', discard: 'unmap' }
  await add({ driver: 'memory', 'node-name': 'm', discard: 'unmap' }, top)
  const section = async (): Promise<void> => {
    await using _section = await graph.find('m').drained()
    const before = store.requests.length
    await new Promise<void>((resolve) => {
      host.post(resolve)
    })
    assert.equal(store.requests.length, before, 'a request reached the driver while drained')
  }
  const ran = await playTasks(tasks, {
    host,
    user: writer('r'),
    reopen: () => graph.reopen([{ ...top, 'detect-zeroes': 'on' }]),
    drain: section,
  })
  assert.equal(store.waiting.size, 0)
  explain(ran, store.bytes)
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
