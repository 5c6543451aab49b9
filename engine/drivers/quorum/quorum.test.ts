/** Tests of the quorum driver. */
import assert from 'node:assert/strict'
import { defineDriver } from '../../block/driver.ts'
import { refusal, testWorld } from '../../graph/testing.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { requestPaths } from '../../io/paths.ts'
import type { Errno } from '../../util/errors.ts'
import { DRIVERS } from '../index.ts'

/** A quorum `q` over files c0, c1 … that are full of the given bytes. */
async function world(fills: readonly number[], options: Record<string, unknown>) {
  const host = createSimHost()
  const test = testWorld(DRIVERS, requestPaths, host)
  const children = fills.map((fill, index) => {
    host.files.put(`c${String(index)}`, new Uint8Array(4096).fill(fill))
    return { driver: 'file', 'node-name': `c${String(index)}`, filename: `c${String(index)}` }
  })
  await test.add({ driver: 'quorum', 'node-name': 'q', children, ...options })
  const user = test.writer('q')
  const failing: Record<string, Errno> = {}
  host.files.hook = ({ path }) => {
    const errno = failing[path]
    return errno === undefined ? undefined : { errno }
  }
  const first = async (offset = 512, bytes = 1): Promise<number | undefined> => {
    const into = new Uint8Array(bytes)
    await user.read(offset, into)
    return into[0]
  }
  return { ...test, host, user, failing, first }
}

const bad = (node: string, type: string, error?: string) => [
  'QUORUM_REPORT_BAD',
  {
    type,
    ...(error === undefined ? {} : { error }),
    'node-name': node,
    'sector-num': 1,
    'sectors-count': 1,
  },
]
const failure = ['QUORUM_FAILURE', { reference: 'q', 'sector-num': 1, 'sectors-count': 1 }]
const EIO = 'Input/output error'

describe('quorum', () => {
  it('reads what most children say and reports the one that differs', async () => {
    const { first, events } = await world([1, 1, 2], { 'vote-threshold': 2 })
    assert.equal(await first(), 1)
    assert.deepEqual(events, [bad('c2', 'read')])
  })

  it('fails without enough that agree, and reports nobody for differing', async () => {
    const { first, events } = await world([1, 2, 3], { 'vote-threshold': 2 })
    assert.equal(await refusal(first), EIO)
    assert.deepEqual(events, [failure])
  })

  it('reports children that fail before it votes among the others', async () => {
    const { first, events, failing } = await world([1, 1, 2], { 'vote-threshold': 1 })
    failing['c0'] = 'EIO'
    assert.equal(await first(), 2)
    assert.deepEqual(events, [bad('c0', 'read', EIO), bad('c1', 'read')])
  })

  it('fails as most of its children fail', async () => {
    const { user, events, failing } = await world([1, 1, 1], { 'vote-threshold': 2 })
    Object.assign(failing, { c0: 'EIO', c1: 'ENOSPC', c2: 'ENOSPC' })
    assert.equal(
      await refusal(() => user.write(512, new Uint8Array(512))),
      'No space left on device',
    )
    assert.deepEqual(events, [
      bad('c0', 'write', EIO),
      bad('c1', 'write', 'No space left on device'),
      bad('c2', 'write', 'No space left on device'),
      failure,
    ])
  })

  it('writes to all children', async () => {
    const { user, host } = await world([1, 2], { 'vote-threshold': 1 })
    await user.write(10, Uint8Array.of(9))
    assert.equal(host.files.content('c0')[10], 9)
    assert.equal(host.files.content('c1')[10], 9)
  })

  it('repairs only the bytes that were read of those that differ, if asked to', async () => {
    const options = { 'vote-threshold': 2, 'rewrite-corrupted': true }
    const { first, host } = await world([1, 1, 2], options)
    assert.equal(await first(515, 2), 1)
    assert.deepEqual(host.files.content('c2').subarray(514, 518), Uint8Array.of(2, 1, 1, 2))
  })

  it('reads in order in fifo mode, and only reports what fails', async () => {
    const options = { 'vote-threshold': 2, 'read-pattern': 'fifo' }
    const { first, events, failing } = await world([1, 2, 3], options)
    assert.equal(await first(), 1)
    failing['c0'] = 'EIO'
    assert.equal(await first(), 2)
    Object.assign(failing, { c1: 'EIO', c2: 'EIO' })
    events.length = 0
    assert.equal(await refusal(first), EIO)
    assert.deepEqual(events, [
      bad('c0', 'read', EIO),
      bad('c1', 'read', EIO),
      bad('c2', 'read', EIO),
    ])
  })

  it('ends the program at the first difference in blkverify mode', async () => {
    const { first, log, exits } = await world([1, 2], { 'vote-threshold': 2, blkverify: true })
    await refusal(() => first(512, 8))
    assert.deepEqual(log, ['quorum: offset=512 bytes=8 contents mismatch at offset 512'])
    assert.deepEqual(exits, [1])
  })

  const REFUSED: readonly (readonly [options: Record<string, unknown>, text: string])[] = [
    [{ 'vote-threshold': 0 }, "Parameter 'vote-threshold' expects a value >= 1"],
    [{ 'vote-threshold': 4 }, 'threshold may not exceed children count'],
    [{ 'vote-threshold': 1, children: [] }, 'Number of provided children must be 1 or more'],
    [
      { 'vote-threshold': 2, blkverify: true },
      'blkverify=on can only be set if there are exactly two files and vote-threshold is 2',
    ],
    [
      {
        'vote-threshold': 2,
        blkverify: true,
        'rewrite-corrupted': true,
        children: [{ driver: 'null-co' }, { driver: 'null-co' }],
      },
      'rewrite-corrupted=on cannot be used with blkverify=on',
    ],
    [
      { 'vote-threshold': 1, children: [{ driver: 'null-co' }, { driver: 'null-co', size: 512 }] },
      'Could not refresh total sector count: Input/output error',
    ],
  ]
  for (const [options, text] of REFUSED) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      assert.equal(await refusal(() => world([1, 1, 1], options)), text)
    })
  }

  it('adds no child in blkverify mode', async () => {
    const { graph, add } = await world([1, 1], { 'vote-threshold': 2, blkverify: true })
    await add({ driver: 'null-co', 'node-name': 'n', size: 4096 })
    assert.equal(
      await refusal(() => graph.changeChild({ parent: 'q', node: 'n' })),
      'Cannot add a child to a quorum in blkverify mode',
    )
  })

  it('has data where a child cannot tell, and reports it', async () => {
    const rule = { event: 'none', iotype: 'block-status', immediately: true }
    const image = { driver: 'null-co', size: 4096, 'read-zeroes': true }
    const children = [
      image,
      { driver: 'blkdebug', 'node-name': 'bd', image, 'inject-error': [rule] },
    ]
    const { user, events } = await world([1], { 'vote-threshold': 1, children })
    assert.equal((await user.status(512, 512)).data, true)
    assert.deepEqual(events, [bad('bd', 'read', EIO)])
  })

  it('reports children that cannot flush, and fails where too few can', async () => {
    const rule = { event: 'none', iotype: 'flush', errno: 28, immediately: true }
    const image = { driver: 'null-co', size: 4096 }
    const faulty = (name: string) => ({
      driver: 'blkdebug',
      'node-name': name,
      image,
      'inject-error': [rule],
    })
    const children = [image, faulty('a'), faulty('b')]
    const { user, events } = await world([1], { 'vote-threshold': 2, children })
    await user.flush()
    assert.deepEqual(events, [])
    await user.write(0, new Uint8Array(512))
    assert.equal(await refusal(() => user.flush()), 'No space left on device')
    const flushes = (node: string) => [
      'QUORUM_REPORT_BAD',
      {
        type: 'flush',
        error: 'No space left on device',
        'node-name': node,
        'sector-num': 0,
        'sectors-count': 0,
      },
    ]
    assert.equal(JSON.stringify(events), JSON.stringify([flushes('a'), flushes('b')]))
  })

  it('has zeroes where all children have', async () => {
    const { user } = await world([1, 1], { 'vote-threshold': 1 })
    assert.deepEqual(await user.status(0, 4096), {
      bytes: 4096,
      allocated: true,
      data: true,
      zero: false,
      eof: true,
    })
    await user.zero(0, 4096)
    const { zero } = await user.status(0, 4096)
    assert.equal(zero, true)
  })

  it('gives storage up only where every child does by zeroing', async () => {
    const asked: (boolean | undefined)[] = []
    const zeroer = (name: string, unmapZero: boolean) =>
      defineDriver({
        name,
        kind: 'protocol',
        doc: 'Keeps how zeroing was asked for.',
        options: {},
        children: {},
        open: () => ({
          length: () => 4096,
          read: () => undefined,
          write: () => undefined,
          zero: (_offset, _bytes, { mayUnmap }) => void asked.push(mayUnmap),
          supports: { unmapZero },
        }),
      })
    const drivers = [...DRIVERS, zeroer('gives', true), zeroer('keeps', false)]
    const { add, graph, writer } = testWorld(drivers, requestPaths)
    const child = (driver: string, name: string) => ({
      driver,
      'node-name': name,
      discard: 'unmap',
    })
    for (const second of ['gives', 'keeps']) {
      const children = [child('gives', `${second}0`), child(second, `${second}1`)]
      const name = `q-${second}`
      await add({
        driver: 'quorum',
        'node-name': name,
        children,
        'vote-threshold': 1,
        discard: 'unmap',
      })
      await writer(name).zero(0, 4096, { mayUnmap: true })
      assert.equal(graph.find(name).unmapsByZeroing, second === 'gives')
    }
    assert.deepEqual(asked, [true, true, false, false])
  })
})
