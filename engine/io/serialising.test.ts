/** Requests that want to be alone with their range. */
import assert from 'node:assert/strict'
import { testWorld } from '../graph/testing.ts'
import { createSimHost } from '../host/sim/index.ts'
import { requestPaths } from './paths.ts'
import { memory } from './testing.ts'

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed)

describe('a serialising write', () => {
  it('waits for reads that overlap it, and makes later ones wait', async () => {
    for (const seed of SEEDS) {
      const host = createSimHost({ seed })
      const disk = memory(4096, {}, host)
      const { add, writer } = testWorld([disk.driver], requestPaths, host)
      await add({ driver: 'memory', 'node-name': 'm' })
      const io = writer('m')
      const before = new Uint8Array(512)
      const after = new Uint8Array(512)
      await host.run(
        Promise.all([
          io.read(0, before),
          io.write(0, new Uint8Array(512).fill(1), { serialising: true }),
          io.read(0, after),
        ]),
      )
      assert.deepEqual([before[0], after[0]], [0, 1])
    }
  })
})
