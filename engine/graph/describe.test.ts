/** Tests of the file name of a node. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { testWorld } from './testing.ts'

/** Options and the file name under which QEMU 7.2 reports the node. */
const OBSERVED: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ driver: 'null-co' }, 'null-co://'],
  [{ driver: 'null-aio', 'latency-ns': 5 }, 'null-aio://'],
  [{ driver: 'null-co', size: 512 }, 'json:{"driver": "null-co", "size": 512}'],
  [
    { driver: 'null-co', 'read-zeroes': false, size: 512 },
    'json:{"read-zeroes": false, "driver": "null-co", "size": 512}',
  ],
  [{ driver: 'raw', file: { driver: 'null-co' } }, 'null-co://'],
  [
    { driver: 'raw', offset: 0, file: { driver: 'null-co' } },
    'json:{"offset": 0, "driver": "raw", "file": {"driver": "null-co"}}',
  ],
  [
    { driver: 'raw', file: { driver: 'raw', file: { driver: 'null-co' } } },
    'json:{"driver": "raw", "file": {"driver": "raw", "file": {"driver": "null-co"}}}',
  ],
  [{ driver: 'raw', file: { driver: 'file', filename: 'f', locking: 'off' } }, 'f'],
  [
    {
      driver: 'quorum',
      'vote-threshold': 1,
      'rewrite-corrupted': false,
      children: [{ driver: 'null-co' }, { driver: 'null-aio' }],
    },
    'json:{"children": [{"driver": "null-co"}, {"driver": "null-aio"}], "driver": "quorum", ' +
      '"rewrite-corrupted": false, "vote-threshold": 1}',
  ],
]

describe('the file name of a node', () => {
  for (const [options, name] of OBSERVED) {
    it(`is ${name}`, async () => {
      const { graph, add, host } = testWorld(DRIVERS, requestPaths)
      host.files.put('f', new Uint8Array(512))
      await add({ ...options, 'node-name': 'n' })
      assert.equal(graph.info(graph.find('n')).filename, name)
    })
  }

  it('lists the children of a quorum without gaps', async () => {
    const { graph, add } = testWorld(DRIVERS, requestPaths)
    const sized = (size: number) => ({ driver: 'null-co', size })
    const children = [{ driver: 'null-aio', size: 512 }, sized(512), sized(511)]
    await add({ driver: 'quorum', 'node-name': 'q', 'vote-threshold': 1, children })
    await graph.changeChild({ parent: 'q', child: 'children.0' })
    assert.equal(
      graph.info(graph.find('q')).filename,
      'json:{"children": [{"driver": "null-co", "size": 512}, {"driver": "null-co", ' +
        '"size": 511}], "driver": "quorum", "vote-threshold": 1}',
    )
  })
})
