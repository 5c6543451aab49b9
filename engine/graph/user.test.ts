/** Tests of root users. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../block/permission.ts'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { refusal, testWorld } from './testing.ts'

const world = () => testWorld(DRIVERS, requestPaths)
const EXPORT = { uses: CONSISTENT_READ | WRITE, shares: ALL_PERMISSIONS & ~RESIZE }

describe('a root user', () => {
  it('pulls its permissions down to the lowest node', async () => {
    const { graph, add } = world()
    await add(
      { driver: 'null-co', 'node-name': 'a' },
      { driver: 'raw', 'node-name': 'r', file: 'a' },
    )
    graph.attach(graph.find('r'), EXPORT)
    assert.deepEqual(graph.dump(), {
      nodes: [
        { id: 2, type: 'block-driver', name: 'r' },
        { id: 3, type: 'block-driver', name: 'a' },
        { id: 1, type: 'block-backend', name: '' },
      ],
      edges: [
        {
          parent: 2,
          child: 3,
          name: 'file',
          perm: ['write', 'consistent-read'],
          'shared-perm': ['write-unchanged', 'write', 'consistent-read'],
        },
        {
          parent: 1,
          child: 2,
          name: 'root',
          perm: ['write', 'consistent-read'],
          'shared-perm': ['write-unchanged', 'write', 'consistent-read'],
        },
      ],
    })
  })

  it('is refused where a node below is not shared, with the graph as before', async () => {
    const { graph, add, snapshot } = world()
    await add(
      { driver: 'null-co', 'node-name': 'a' },
      { driver: 'raw', 'node-name': 'r', file: 'a' },
      { driver: 'quorum', 'node-name': 'q', 'vote-threshold': 1, children: ['a'] },
    )
    const before = snapshot()
    assert.equal(
      await refusal(() => graph.attach(graph.find('r'), EXPORT)),
      "Permission conflict on node 'a': permissions 'write' are both required by node 'r' (uses " +
        "node 'a' as 'file' child) and unshared by node 'q' (uses node 'a' as 'children.0' child).",
    )
    assert.deepEqual(snapshot(), before)
  })

  it('is named in conflicts by what it says it is', async () => {
    const { graph, add } = world()
    await add({ driver: 'null-co', 'node-name': 'a' })
    graph.attach(graph.find('a'), { ...EXPORT, description: "block device 'd0'" })
    assert.equal(
      await refusal(() => graph.resize(graph.find('a'), 512)),
      "Permission conflict on node 'a': permissions 'resize' are both required by an unnamed " +
        "block device (uses node 'a' as 'root' child) and unshared by block device 'd0' (uses " +
        "node 'a' as 'root' child).",
    )
  })

  it('cannot write through a read-only node further down', async () => {
    const { graph, add } = world()
    await add({
      driver: 'raw',
      'node-name': 'r',
      file: { driver: 'null-co', 'read-only': true },
    })
    assert.equal(
      await refusal(() => graph.attach(graph.find('r'), EXPORT)),
      'Block node is read-only',
    )
  })

  it('keeps its old claims when new ones conflict', async () => {
    const { add, snapshot, writer } = world()
    await add({ driver: 'null-co', 'node-name': 'a' })
    const user = writer('a')
    writer('a')
    const before = snapshot()
    await refusal(() => {
      user.setClaims({ uses: RESIZE, shares: ALL_PERMISSIONS })
    })
    assert.deepEqual(snapshot(), before)
  })

  it('learns that its node has another length', async () => {
    const { graph, add, host } = world()
    host.files.put('f', new Uint8Array(1024))
    await add({ driver: 'raw', 'node-name': 'r', file: { driver: 'file', filename: 'f' } })
    const lengths: number[] = []
    const user = graph.attach(graph.find('r'), {
      uses: CONSISTENT_READ,
      shares: ALL_PERMISSIONS,
      resized: () => lengths.push(user.length()),
    })
    await graph.resize(graph.find('r'), 4096)
    assert.deepEqual(lengths, [4096])
  })
})
