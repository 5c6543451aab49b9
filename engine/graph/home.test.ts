/** Tests of the threads that nodes are at home in. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ } from '../block/permission.ts'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { innerNode } from './public-node.ts'
import { refusal, testWorld } from './testing.ts'

const STAYS = 'Cannot change iothread of active block backend'

/** Nodes x and y, each kept in a thread of that name, and z in the main one. */
async function world() {
  const test = testWorld(DRIVERS, requestPaths)
  for (const name of ['x', 'y', 'z']) await test.add({ driver: 'null-co', 'node-name': name })
  const { graph } = test
  for (const name of ['x', 'y']) {
    await graph.moveHome(graph.find(name), name)
    const claims = { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS }
    graph.attach(graph.find(name), { ...claims, keepsHome: true })
  }
  return { ...test, homeOf: (name: string) => innerNode(graph.find(name)).home }
}

describe('the thread of a node', () => {
  it('changes with that of all that hangs together', async () => {
    const { graph, add, homeOf } = await world()
    await add({ driver: 'raw', 'node-name': 'top', file: 'z' })
    await graph.moveHome(graph.find('z'), 'thread')
    assert.equal(homeOf('top'), 'thread')
    await graph.moveHome(graph.find('top'), undefined)
    assert.equal(homeOf('z'), undefined)
  })

  it('stays where a user keeps it', async () => {
    const { graph, homeOf } = await world()
    assert.equal(await refusal(() => graph.moveHome(graph.find('x'), 'y')), STAYS)
    assert.equal(homeOf('x'), 'x')
  })

  it('is taken over by a new parent if the node stays', async () => {
    const { add, homeOf } = await world()
    await add({ driver: 'raw', 'node-name': 'top', file: 'x' })
    assert.equal(homeOf('top'), 'x')
  })

  it('brings the other children of a new parent along', async () => {
    const { add, homeOf } = await world()
    await add({ driver: 'blkverify', 'node-name': 'top', test: 'z', raw: 'x' })
    assert.deepEqual([homeOf('top'), homeOf('z')], ['x', 'x'])
  })

  it('cannot be one of two that nodes have to stay in', async () => {
    const { add, snapshot } = await world()
    const before = snapshot()
    const both = { driver: 'blkverify', 'node-name': 'top', test: 'x', raw: 'y' }
    assert.equal(await refusal(() => add(both)), STAYS)
    assert.deepEqual(snapshot(), before)
  })

  it('cannot be another one for what a job reads from', async () => {
    const { graph, snapshot } = await world()
    const job = graph.attachJob({ id: 'j', type: 'backup' })
    const claims = { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS }
    job.add('source', graph.find('x'), claims)
    const before = snapshot()
    assert.equal(
      await refusal(() => {
        job.add('target', graph.find('y'), claims)
      }),
      STAYS,
    )
    assert.deepEqual(snapshot(), before)
  })
})
