/** Tests of a request's way through one node. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Limits } from '../block/driver.ts'
import { refusal, testWorld } from '../graph/testing.ts'
import { requestPaths } from './paths.ts'
import { memory } from './testing.ts'

const SIZE = 8192

async function world(limits: Partial<Limits> = {}, options: Record<string, unknown> = {}) {
  const store = memory(SIZE, limits)
  const test = testWorld([store.driver], requestPaths)
  await test.add({ driver: 'memory', 'node-name': 'm', ...options })
  return { ...test, store, user: test.writer('m') }
}

const range = fc
  .tuple(fc.nat(SIZE), fc.nat(SIZE))
  .map(([left, right]) => ({ from: Math.min(left, right), to: Math.max(left, right) }))

describe('requests of a node', () => {
  it('move the bytes that a byte array would, whatever blocks the driver takes', async () => {
    const command = fc.record({ kind: fc.constantFrom('write', 'zero', 'read'), range })
    const limits = fc.record({
      requestAlignment: fc.constantFrom(1, 512, 4096),
      maxTransfer: fc.constantFrom(0, 512, 1000, 4096),
    })
    await fc.assert(
      fc.asyncProperty(limits, fc.array(command, { maxLength: 12 }), async (about, commands) => {
        const { user, store } = await world(about)
        const model = new Uint8Array(SIZE)
        for (const [index, { kind, range: at }] of commands.entries()) {
          const part = model.subarray(at.from, at.to)
          if (kind === 'read') {
            const into = new Uint8Array(part.length).fill(255)
            await user.read(at.from, into)
            assert.deepEqual(into, part)
          } else if (kind === 'zero') {
            part.fill(0)
            await user.zero(at.from, part.length)
          } else {
            part.fill(index + 1)
            await user.write(at.from, part)
          }
        }
        assert.deepEqual(store.bytes, model)
      }),
      { numRuns: 60 },
    )
  })

  it('give the driver whole blocks only, and no more than it takes at once', async () => {
    const { user, store } = await world({ requestAlignment: 512, maxTransfer: 1024 })
    await user.write(100, new Uint8Array(4000))
    for (const { offset, bytes } of store.requests) {
      assert.ok(offset % 512 === 0 && bytes % 512 === 0 && bytes <= 1024)
    }
  })

  it('complete at once where the driver does', async () => {
    const { user } = await world()
    assert.equal(user.write(0, new Uint8Array(512)), undefined)
    assert.equal(user.read(0, new Uint8Array(512)), undefined)
  })

  it('fail outside the disk', async () => {
    const { user } = await world()
    for (const offset of [-1, SIZE - 1, SIZE + 1]) {
      assert.equal(await refusal(() => user.read(offset, new Uint8Array(2))), 'Input/output error')
    }
    await user.read(SIZE, new Uint8Array(0))
  })

  it('fail for writing without the permission', async () => {
    const { graph } = await world()
    const reader = graph.attach(graph.find('m'), { uses: 1, shares: 15 })
    assert.equal(await refusal(() => reader.write(0, new Uint8Array(1))), 'Operation not permitted')
  })

  it('turn a write of zeroes into a zeroing where that is asked for', async () => {
    const { user, store } = await world({}, { 'detect-zeroes': 'on' })
    store.bytes.fill(7)
    await user.write(0, new Uint8Array(16))
    await user.write(100, Uint8Array.of(0, 1))
    assert.deepEqual(store.bytes.subarray(0, 17), new Uint8Array(17).fill(7, 16))
    assert.deepEqual(store.bytes.subarray(99, 103), Uint8Array.of(7, 0, 1, 7))
  })

  it('find zeroes that only together with what is stored fill a block', async () => {
    const { user, store } = await world({ requestAlignment: 512 }, { 'detect-zeroes': 'on' })
    store.bytes.fill(7)
    await user.write(0, new Uint8Array(300))
    assert.equal(store.requests.at(-1)?.kind, 'write')
    assert.deepEqual(store.bytes.subarray(298, 302), Uint8Array.of(0, 0, 7, 7))
    await user.write(290, new Uint8Array(222))
    assert.deepEqual(store.bytes.subarray(0, 513), new Uint8Array(513).fill(7, 512))
  })

  it('refuse a writer that would lengthen the disk by its last block', async () => {
    const store = memory(5120, { requestAlignment: 4096 })
    const { add, writer } = testWorld([store.driver], requestPaths)
    await add({ driver: 'memory', 'node-name': 'm' })
    assert.equal(
      await refusal(() => writer('m')),
      "Cannot get 'write' permission without 'resize': Image size is not a multiple of request " +
        'alignment',
    )
  })

  it('zero without a fallback only where the driver can', async () => {
    const { user } = await world()
    assert.equal(
      await refusal(() => user.zero(0, 512, { noFallback: true })),
      'Operation not supported',
    )
  })

  it('know all of a plain driver as data', async () => {
    const { user } = await world()
    assert.deepEqual(await user.status(1000, SIZE - 1000), {
      bytes: SIZE - 1000,
      allocated: true,
      data: true,
      zero: false,
      eof: true,
    })
  })

  it('change nothing while an observer cannot note it', async () => {
    const { graph, user } = await world()
    graph.find('m').observers.add({ readOnly: true })
    const changes = [() => user.write(0, new Uint8Array(512)), () => user.zero(0, 512)]
    const refused = await Promise.all(changes.map((change) => refusal(change)))
    assert.deepEqual(refused, ['Operation not permitted', 'Operation not permitted'])
  })

  it('remember how far writes reached', async () => {
    const { graph, user } = await world()
    await user.write(512, new Uint8Array(512))
    await user.write(0, new Uint8Array(512))
    assert.equal(graph.stats(graph.find('m')).writeHighestOffset, 1024)
  })

  it('refuse a resize of a driver that has none', async () => {
    const { graph, user } = await world()
    await user.close()
    assert.equal(
      await refusal(() => graph.resize(graph.find('m'), 512)),
      'Image format driver does not support resize',
    )
  })
})
