/** Tests of removing a node. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { refusal, testWorld } from './testing.ts'

const world = () => testWorld(DRIVERS, requestPaths)

describe('removing a node', () => {
  it('refuses one that does not exist', async () => {
    const { graph } = world()
    assert.equal(await refusal(() => graph.remove('zz')), "Failed to find node with node-name='zz'")
  })

  it('refuses one below another node', async () => {
    const { graph, add } = world()
    await add(
      { driver: 'null-co', 'node-name': 'a' },
      { driver: 'raw', 'node-name': 'r', file: 'a' },
    )
    assert.equal(await refusal(() => graph.remove('a')), 'Block device a is in use')
  })

  it('refuses one with a user, in other words', async () => {
    const { graph, add, writer } = world()
    await add({ driver: 'null-co', 'node-name': 'a' })
    const user = writer('a')
    assert.equal(await refusal(() => graph.remove('a')), 'Node a is in use')
    await user.close()
    await graph.remove('a')
    assert.deepEqual(graph.nodes(), [])
  })

  it('refuses one that was opened inside another', async () => {
    const { graph, add } = world()
    await add({
      driver: 'raw',
      'node-name': 'r',
      file: { driver: 'null-co', 'node-name': 'inner' },
    })
    assert.equal(
      await refusal(() => graph.remove('inner')),
      'Node inner is not owned by the monitor',
    )
  })

  it('takes nested nodes along and leaves named ones', async () => {
    const { graph, add } = world()
    const nested = { driver: 'raw', file: { driver: 'null-co' } }
    await add(
      { driver: 'null-co', 'node-name': 'named' },
      {
        driver: 'quorum',
        'node-name': 'q',
        'vote-threshold': 1,
        children: ['named', nested],
      },
    )
    await graph.remove('q')
    assert.deepEqual(
      graph.nodes().map(({ name }) => name),
      ['named'],
    )
  })
})
