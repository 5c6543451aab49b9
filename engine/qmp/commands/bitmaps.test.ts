/** Dirty bitmaps over the monitor: 7.2's texts, transactions that leave nothing behind, merges. */
import assert from 'node:assert/strict'
import type { TestEngine, TestMonitor } from '../testing.ts'
import { description, testEngine } from '../testing.ts'

interface Setup {
  readonly test: TestEngine
  readonly monitor: TestMonitor
  /** The error text, or `ok`. */
  readonly run: (command: string, args: unknown) => Promise<string>
  /** The same for an action, its name without `block-dirty-bitmap-`. */
  readonly transaction: (...actions: readonly (readonly [string, unknown?])[]) => Promise<string>
  /** Name, recording, count of each, newest first. */
  readonly list: (node?: string) => Promise<readonly (readonly unknown[])[]>
  readonly write: (offset: number, bytes: number) => Promise<void>
}

const SIZE = 1 << 20

async function setup(): Promise<Setup> {
  const test = testEngine()
  const monitor = await test.monitor()
  const run = async (command: string, args: unknown): Promise<string> => {
    const line = (await monitor.run(command, args)).at(-1)
    const text = description(line)
    return text === line ? 'ok' : text
  }
  await run('blockdev-add', { driver: 'null-co', 'node-name': 'a', size: SIZE })
  await run('blockdev-add', { driver: 'null-co', 'node-name': 'z', size: 512 })
  return {
    test,
    monitor,
    run,
    transaction: (...actions) =>
      run('transaction', {
        actions: actions.map(([type, data = {}]) => ({
          type: type === 'abort' ? type : `block-dirty-bitmap-${type}`,
          data,
        })),
      }),
    async list(node = 'a') {
      const [line] = await monitor.run('query-named-block-nodes', { flat: true })
      const { return: nodes } = JSON.parse(line ?? '') as {
        return: readonly {
          readonly 'node-name': string
          readonly 'dirty-bitmaps'?: readonly Readonly<Record<string, unknown>>[]
        }[]
      }
      const found = nodes.find((each) => each['node-name'] === node)
      return (found?.['dirty-bitmaps'] ?? []).map((bitmap) => [
        bitmap['name'],
        bitmap['recording'],
        bitmap['count'],
      ])
    },
    async write(offset, bytes) {
      const { graph } = test.engine
      await using user = graph.attach(graph.find('a'), { uses: 2, shares: 15 })
      await user.write(offset, new Uint8Array(bytes))
    },
  }
}

const b = (name: string, more = {}): unknown => ({ node: 'a', name, ...more })

describe('dirty bitmaps', () => {
  const LONG = 'x'.repeat(1024)
  const refused: readonly (readonly [string, unknown, string])[] = [
    ['add', b('b'), 'Bitmap already exists: b'],
    ['add', b(''), 'Bitmap name cannot be empty'],
    ['add', { node: 'no', name: '' }, 'Bitmap name cannot be empty'],
    ['add', { node: 'no', name: 'x' }, "Cannot find device='no' nor node-name='no'"],
    ['add', b(LONG), `Bitmap name too long: ${LONG}`],
    ['add', b('b', { granularity: 3 }), 'Granularity must be power of 2 and at least 512'],
    ['add', b('x', { granularity: 256 }), 'Granularity must be power of 2 and at least 512'],
    [
      'add',
      b('b', { persistent: true }),
      "Can't store persistent bitmaps to a: Operation not supported",
    ],
    ['remove', b('zz'), "Dirty bitmap 'zz' not found"],
    ['clear', { node: 'no', name: 'b' }, "Node 'no' not found"],
    ['enable', b('zz'), "Dirty bitmap 'zz' not found"],
    ['merge', { node: 'a', target: 'zz', bitmaps: [] }, "Dirty bitmap 'zz' not found"],
    ['merge', { node: 'a', target: 'b', bitmaps: ['zz'] }, "Dirty bitmap 'zz' not found"],
    [
      'merge',
      { node: 'a', target: 'b', bitmaps: [{ node: 'z', name: 's' }] },
      'Bitmaps are of different sizes (destination size is 1048576, source size is 512) ' +
        "and can't be merged",
    ],
  ]
  it('are refused in the words of 7.2', async () => {
    const { run } = await setup()
    await run('block-dirty-bitmap-add', b('b'))
    await run('block-dirty-bitmap-add', { node: 'z', name: 's' })
    for (const [verb, args, text] of refused) {
      assert.equal(await run(`block-dirty-bitmap-${verb}`, args), text)
    }
  })

  it('record writes while they are enabled, and are listed newest first', async () => {
    const { run, list, write } = await setup()
    await run('block-dirty-bitmap-add', b('one'))
    await run('block-dirty-bitmap-add', b('two', { granularity: 512, disabled: true }))
    await write(1000, 100)
    await run('block-dirty-bitmap-enable', b('two'))
    await run('block-dirty-bitmap-disable', b('one'))
    await write(SIZE - 512, 512)
    assert.deepEqual(await list(), [
      ['two', true, 512],
      ['one', false, 65536],
    ])
  })

  it('merge into nothing what nothing names, where 7.2 ends', async () => {
    const { run, list } = await setup()
    await run('block-dirty-bitmap-add', b('b'))
    const nothing = { node: 'a', target: 'b', bitmaps: [] }
    assert.equal(await run('block-dirty-bitmap-merge', nothing), 'ok')
    assert.deepEqual(await list(), [['b', true, 0]])
  })

  it('hash to what 7.2 says', async () => {
    const { monitor, run, write } = await setup()
    await run('block-dirty-bitmap-add', b('b', { granularity: 512 }))
    const hash = async (): Promise<unknown> => {
      const [line] = await monitor.run('x-debug-block-dirty-bitmap-sha256', b('b'))
      return (JSON.parse(line ?? '') as { return: { sha256: string } }).return.sha256
    }
    assert.equal(await hash(), '5341e6b2646979a70e57653007a1f310169421ec9bdd9f1a5648f75ade005af1')
    await write(1000, 100)
    await write(70000, 3000)
    assert.equal(await hash(), 'cbd468c447ea73135ecbbcfa7010b9a97657e27409638d61d1c4c9328ecc9fac')
  })

  it('are not hashed for hours', async () => {
    const { run } = await setup()
    await run('blockdev-add', { driver: 'null-co', 'node-name': 'huge', size: 2 ** 52 })
    const bitmap = { node: 'huge', name: 'h' }
    assert.equal(await run('block-dirty-bitmap-add', { ...bitmap, granularity: 512 }), 'ok')
    assert.equal(
      await run('x-debug-block-dirty-bitmap-sha256', bitmap),
      "Bitmap 'h' is too large to be hashed",
    )
  })

  it('go with their nodes', async () => {
    const { run, list } = await setup()
    await run('block-dirty-bitmap-add', b('b'))
    await run('blockdev-del', { 'node-name': 'a' })
    await run('blockdev-add', { driver: 'null-co', 'node-name': 'a', size: SIZE })
    assert.deepEqual(await list(), [])
  })
})

describe('transactions', () => {
  it('carry out each action in its turn', async () => {
    const { run, transaction, list, write } = await setup()
    await run('block-dirty-bitmap-add', b('b'))
    await write(0, 512)
    assert.equal(
      await transaction(
        ['add', b('copy', { disabled: true })],
        ['merge', { node: 'a', target: 'copy', bitmaps: ['b'] }],
        ['clear', b('b')],
        ['add', b('gone')],
        ['remove', b('gone')],
      ),
      'ok',
    )
    assert.deepEqual(await list(), [
      ['copy', false, 65536],
      ['b', true, 0],
    ])
  })

  it('leave nothing behind when one of them fails', async () => {
    const { run, transaction, list, write } = await setup()
    await run('block-dirty-bitmap-add', b('b'))
    await run('block-dirty-bitmap-add', b('off', { disabled: true }))
    await write(0, 512)
    const before = await list()
    const actions: [string, unknown][] = [
      ['add', b('x')],
      ['enable', b('off')],
      ['disable', b('b')],
      ['merge', { node: 'a', target: 'off', bitmaps: ['b'] }],
      ['clear', b('b')],
      ['remove', b('b')],
      ['remove', b('x')],
    ]
    for (let count = 0; count <= actions.length; count += 1) {
      assert.equal(
        await transaction(...actions.slice(0, count), ['abort']),
        'Transaction aborted using Abort action',
      )
      assert.deepEqual(await list(), before)
    }
  })

  it('keep the name of what they remove until the end', async () => {
    const { run, transaction, list } = await setup()
    await run('block-dirty-bitmap-add', b('b'))
    assert.equal(await transaction(['remove', b('b')], ['add', b('b')]), 'Bitmap already exists: b')
    assert.deepEqual(await list(), [['b', true, 0]])
  })

  it('disable what they could not enable, as 7.2 does', async () => {
    const { run, transaction, list } = await setup()
    await run('block-dirty-bitmap-add', b('b'))
    assert.equal(
      await transaction(['remove', b('b')], ['enable', b('b')]),
      "Bitmap 'b' is currently in use by another operation and cannot be used",
    )
    assert.deepEqual(await list(), [['b', false, 0]])
  })

  const wrong: readonly (readonly [unknown, string])[] = [
    [{}, "Parameter 'actions' is missing"],
    [{ actions: [{ type: 'abort' }] }, "Parameter 'actions[0].data' is missing"],
    [
      { actions: [{ type: 'x-blockdev-change', data: {} }] },
      "Parameter 'type' does not accept value 'x-blockdev-change'",
    ],
    [
      { actions: [], properties: { 'completion-mode': 'x' } },
      "Parameter 'completion-mode' does not accept value 'x'",
    ],
    [
      {
        actions: [{ type: 'block-dirty-bitmap-add', data: b('x') }],
        properties: { 'completion-mode': 'grouped' },
      },
      "Action 'block-dirty-bitmap-add' does not support Transaction property " +
        'completion-mode = grouped',
    ],
    [
      { actions: [{ type: 'abort', data: {} }], properties: { 'completion-mode': 'grouped' } },
      'Transaction aborted using Abort action',
    ],
    [{ actions: [] }, 'ok'],
  ]
  it('say in the words of 7.2 what is wrong with them', async () => {
    const { run } = await setup()
    for (const [args, text] of wrong) assert.equal(await run('transaction', args), text)
  })
})
