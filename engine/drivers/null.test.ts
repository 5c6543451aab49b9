/** Tests of the null drivers. */
import assert from 'node:assert/strict'
import { refusal, testWorld } from '../graph/testing.ts'
import { requestPaths } from '../io/paths.ts'
import { DRIVERS } from './index.ts'

const world = () => testWorld(DRIVERS, requestPaths)

for (const driver of ['null-co', 'null-aio']) {
  describe(driver, () => {
    it('has 1 GiB unless told otherwise, in whole sectors', async () => {
      const { add, graph } = world()
      await add({ driver, 'node-name': 'a' }, { driver, 'node-name': 'b', size: 513 })
      assert.equal(graph.find('a').length(), 2 ** 30)
      assert.equal(graph.find('b').length(), 1024)
    })

    it('refuses sizes and delays below zero', async () => {
      const { graph } = world()
      assert.equal(
        await refusal(() => graph.add({ driver, 'node-name': 'a', size: -5 })),
        "Parameter 'size' expects a non-negative number below 2^64",
      )
      assert.equal(
        await refusal(() => graph.add({ driver, 'node-name': 'a', 'latency-ns': -1 })),
        'latency-ns is invalid',
      )
    })

    for (const asked of [true, false]) {
      it(`reads zeroes whatever was there, with read-zeroes ${String(asked)}`, async () => {
        const { add, writer } = world()
        await add({ driver, 'node-name': 'a', 'read-zeroes': asked })
        const into = new Uint8Array(16).fill(9)
        await writer('a').read(0, into)
        assert.deepEqual(into, new Uint8Array(16))
      })
    }

    it('takes as long for a request as it is told', async () => {
      const { add, writer, host } = world()
      await add({ driver, 'node-name': 'a', 'latency-ns': 1500 })
      const before = host.clock.nowNs()
      await host.run(Promise.resolve(writer('a').write(0, new Uint8Array(512))))
      assert.equal(host.clock.nowNs() - before, 1500)
    })
  })
}
