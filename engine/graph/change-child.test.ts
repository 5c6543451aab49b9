/** Tests of changing children. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import type { ChildChange } from './graph.ts'
import { refusal, testWorld } from './testing.ts'

/** A quorum `q` of n0, n1, n2 that needs two of them; n3 and n4 are free; r is raw over n5. */
async function world() {
  const test = testWorld(DRIVERS, requestPaths)
  for (const name of ['n0', 'n1', 'n2', 'n3', 'n4', 'n5']) {
    await test.add({ driver: 'null-co', 'node-name': name })
  }
  await test.add(
    { driver: 'raw', 'node-name': 'r', file: 'n5' },
    { driver: 'quorum', 'node-name': 'q', 'vote-threshold': 2, children: ['n0', 'n1', 'n2'] },
  )
  const names = (): string[] => {
    const { edges } = test.graph.dump()
    return edges.map(({ name }) => name).filter((name) => name.startsWith('children.'))
  }
  return { ...test, names }
}

describe('changing children', () => {
  const REFUSED: readonly (readonly [change: ChildChange, text: string])[] = [
    [{ parent: 'zz', node: 'n3' }, "Cannot find device='zz' nor node-name='zz'"],
    [{ parent: 'q' }, 'Either child or node must be specified'],
    [
      { parent: 'q', child: 'children.0', node: 'n3' },
      'The parameters child and node are in conflict',
    ],
    [{ parent: 'q', child: 'children.9' }, "Node 'q' does not have child 'children.9'"],
    [{ parent: 'q', child: 'file' }, "Node 'q' does not have child 'file'"],
    [{ parent: 'q', node: 'zz' }, "Node 'zz' not found"],
    [{ parent: 'q', node: 'n0' }, 'The node n0 already has a parent'],
    [{ parent: 'q', node: 'q' }, "Making 'q' a children.3 child of 'q' would create a cycle"],
    [{ parent: 'r', node: 'n3' }, 'The node r does not support adding a child'],
    [{ parent: 'r', child: 'file' }, 'The node r does not support removing a child'],
    [{ parent: 'n3', child: 'file' }, "Node 'n3' does not have child 'file'"],
  ]
  for (const [change, text] of REFUSED) {
    it(`refuses ${JSON.stringify(change)} and leaves all as it was`, async () => {
      const { graph, snapshot } = await world()
      const before = snapshot()
      assert.equal(await refusal(() => graph.changeChild(change)), text)
      assert.deepEqual(snapshot(), before)
    })
  }

  it('keeps the names of those that stay, and never fills a gap', async () => {
    const { graph, names } = await world()
    await graph.changeChild({ parent: 'q', node: 'n3' })
    await graph.changeChild({ parent: 'q', child: 'children.1' })
    await graph.changeChild({ parent: 'q', node: 'n4' })
    assert.deepEqual(names(), ['children.0', 'children.2', 'children.3', 'children.4'])
  })

  it('leaves the limits as they were when the parent was opened', async () => {
    const { add, graph, writer } = await world()
    const limited = (name: string, image: string) => ({
      driver: 'blkdebug',
      'node-name': name,
      image,
      'max-transfer': 65_536,
    })
    await add(limited('d3', 'n3'), limited('d4', 'n4'), {
      driver: 'quorum',
      'node-name': 'p',
      'vote-threshold': 1,
      children: ['n5', 'd4'],
    })
    const most = (name: string): number => writer(name).limits().maxTransfer
    await graph.changeChild({ parent: 'q', node: 'd3' })
    await graph.changeChild({ parent: 'p', child: 'children.1' })
    assert.deepEqual([most('q'), most('p')], [0, 65_536])
  })

  it('gives the last name away again', async () => {
    const { graph, names } = await world()
    await graph.changeChild({ parent: 'q', node: 'n3' })
    await graph.changeChild({ parent: 'q', child: 'children.3' })
    await graph.changeChild({ parent: 'q', node: 'n4' })
    assert.deepEqual(names(), ['children.0', 'children.1', 'children.2', 'children.3'])
  })

  it('keeps as many children as must agree', async () => {
    const { graph } = await world()
    await graph.changeChild({ parent: 'q', child: 'children.0' })
    assert.equal(
      await refusal(() => graph.changeChild({ parent: 'q', child: 'children.1' })),
      'The number of children cannot be lower than the vote threshold 2',
    )
  })

  it('refuses a child that others write to', async () => {
    const { graph, add, snapshot, writer } = await world()
    await add({ driver: 'null-co', 'node-name': 'w', 'read-only': true })
    const user = writer('q')
    const before = snapshot()
    const text = await refusal(() => graph.changeChild({ parent: 'q', node: 'w' }))
    assert.equal(text, 'Block node is read-only')
    assert.deepEqual(snapshot(), before)
    await user.close()
  })
})
