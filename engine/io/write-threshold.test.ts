/** Tests of write thresholds. The figures are those of a real 7.2. */
import assert from 'node:assert/strict'
import { testWorld } from '../graph/testing.ts'
import { requestPaths } from './paths.ts'
import { memory } from './testing.ts'
import { setWriteThreshold } from './write-threshold.ts'

async function world(options: Record<string, unknown> = {}) {
  const store = memory(65_536)
  const test = testWorld([store.driver], requestPaths)
  await test.add({ driver: 'memory', 'node-name': 'm', ...options })
  const node = test.graph.find('m')
  const seen: unknown[] = []
  const set = (bytes: bigint) => {
    setWriteThreshold(node, bytes, (name, data) => seen.push([name, data['amount-exceeded']]))
  }
  return { node, seen, set, user: test.writer('m') }
}

describe('a write threshold', () => {
  it('is told of once, by how much it was exceeded', async () => {
    const { node, seen, set, user } = await world()
    set(4096n)
    await user.write(0, new Uint8Array(4096))
    assert.deepEqual([seen, node.writeThreshold], [[], 4096n])
    await user.write(100, new Uint8Array(4096))
    await user.write(100, new Uint8Array(4096))
    assert.deepEqual([seen, node.writeThreshold], [[['BLOCK_WRITE_THRESHOLD', 100]], 0n])
  })

  it('counts zeroing and requests without data', async () => {
    const { seen, set, user } = await world()
    set(4096n)
    await user.zero(100, 8192)
    set(4096n)
    await user.write(65_536, new Uint8Array())
    assert.deepEqual(seen, [
      ['BLOCK_WRITE_THRESHOLD', 4196],
      ['BLOCK_WRITE_THRESHOLD', 61_440],
    ])
  })

  it('goes with 0, and is replaced by another one', async () => {
    const { node, seen, set, user } = await world()
    set(512n)
    set(1024n)
    await user.write(0, new Uint8Array(1024))
    set(0n)
    await user.write(0, new Uint8Array(2048))
    assert.deepEqual([seen, node.writeThreshold, node.observers.size], [[], 0n, 0])
  })
})
