/** Transactions of all kinds of actions: one that is refused leaves nothing behind. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { description, testEngine } from '../testing.ts'

const MIB = 1 << 20

interface Action {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

const NODE = fc.constantFrom('a', 'b', 'c', 'd', 'long', 'nosuch')
const NAME = fc.constantFrom('x', 'y', 'z')
const bitmap = (verb: string) =>
  fc
    .record({ node: NODE, name: NAME })
    .map((data): Action => ({ type: `block-dirty-bitmap-${verb}`, data }))

const BACKUP = fc
  .record({
    'job-id': fc.constantFrom('j', 'k', 'l', '9'),
    device: NODE,
    target: NODE,
    sync: fc.constantFrom('full', 'none', 'incremental'),
    bitmap: fc.option(NAME, { nil: undefined }),
    'filter-node-name': fc.option(fc.constantFrom('f', 'g', 'a'), { nil: undefined }),
    speed: fc.constantFrom(0, 0, 0, 4096, -1),
  })
  .map((data): Action => ({ type: 'blockdev-backup', data }))

const ACTION = fc.oneof(
  { weight: 4, arbitrary: BACKUP },
  bitmap('add'),
  bitmap('remove'),
  bitmap('clear'),
  bitmap('disable'),
  { weight: 1, arbitrary: fc.constant<Action>({ type: 'abort', data: {} }) },
)

async function world() {
  const test = testEngine()
  const monitor = await test.monitor()
  const run = async (command: string, args?: unknown): Promise<string> => {
    const line = (await monitor.run(command, args)).findLast((text) => !text.includes('"event"'))
    return line ?? ''
  }
  for (const name of ['a', 'b', 'c', 'd', 'long']) {
    test.host.files.put(name, new Uint8Array(name === 'long' ? 2 * MIB : MIB).fill(1))
    await run('blockdev-add', { driver: 'file', 'node-name': name, filename: name })
  }
  for (const node of ['a', 'b']) {
    await run('block-dirty-bitmap-add', { node, name: 'x' })
    test.engine.graph.find(node).observers.forEach((observer) => observer.wrote?.(65536, 65536))
  }
  const seen = async (): Promise<readonly string[]> => [
    await run('query-jobs'),
    await run('query-named-block-nodes', { flat: true }),
    await run('x-debug-query-block-graph'),
  ]
  return { ...test, run, seen }
}

describe('a transaction', () => {
  it('takes effect as a whole or leaves everything as it was', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(ACTION, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('individual', 'grouped'),
        async (actions, mode) => {
          const { run, seen } = await world()
          const before = await seen()
          const properties = { 'completion-mode': mode }
          const answer = await run('transaction', { actions, properties })
          assert.notEqual(answer, '', 'it is answered')
          if (description(answer) === answer) {
            // Whatever began can be ended.
            for (const id of ['j', 'k', 'l']) await run('job-cancel', { id })
            assert.equal(await run('query-jobs'), '{"return": []}')
            assert.ok(!(await seen())[2]?.includes('block-job'))
          } else {
            assert.deepEqual(await seen(), before, answer)
          }
        },
      ),
      { numRuns: 150 },
    ))
})
