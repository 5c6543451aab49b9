/** Tests of nodes that are put above another one as its overlays. */
import assert from 'node:assert/strict'
import { CONSISTENT_READ, NO_PERMISSIONS, ALL_PERMISSIONS } from '../block/permission.ts'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { overlay, overlayImage, refusal, testWorld } from './testing.ts'

/** Images `disk`, with `raw` above it, and `new`, which has no backing image yet. */
async function world() {
  const test = testWorld([...DRIVERS, overlay], requestPaths)
  const image = (name: string, more: object = {}) => {
    test.host.files.put(name, overlayImage())
    const file = { driver: 'file', filename: name }
    return { driver: 'overlay', 'node-name': name, file, ...more }
  }
  await test.add(image('disk'), image('new'), {
    driver: 'raw',
    'node-name': 'raw',
    file: 'disk',
  })
  const { graph } = test
  const put = async (name: string) => {
    await using section = await graph.find('disk').drained()
    await graph.within(section).putOverlay(graph.find('disk'), graph.find(name))
  }
  return { ...test, image, put }
}

describe('an overlay', () => {
  it('has the node as its backing image, and all that was above the node above itself', async () => {
    const { graph, put, writer } = await world()
    const user = writer('disk')
    await put('new')
    const disk = graph.find('disk')
    assert.equal(graph.find('new').cowChild, disk)
    const { nodes, edges } = graph.dump()
    const idOf = (name: string) => nodes.find((node) => node.name === name)?.id
    const above = edges.find(({ parent }) => parent === idOf('raw'))
    assert.equal(above?.child, idOf('new'))
    assert.equal(user.node, graph.find('new'))
  })

  const REFUSED: readonly (readonly [
    what: string,
    node: Readonly<Record<string, unknown>>,
    text: string,
  ])[] = [
    [
      'a filter',
      { driver: 'blkdebug', 'node-name': 'other', image: 'new' },
      'Filters cannot be used as overlays',
    ],
    [
      'a driver without backing images',
      { driver: 'raw', 'node-name': 'other', file: 'new' },
      'The overlay does not support backing images',
    ],
  ]
  for (const [what, node, text] of REFUSED) {
    it(`cannot be ${what}`, async () => {
      const { add, put, snapshot } = await world()
      await add(node)
      const before = snapshot()
      assert.equal(await refusal(() => put('other')), text)
      assert.deepEqual(snapshot(), before)
    })
  }

  it('cannot have a backing image already', async () => {
    const { add, image, put, snapshot } = await world()
    await add(image('below'), image('other', { backing: 'below' }))
    const before = snapshot()
    assert.equal(await refusal(() => put('other')), 'The overlay already has a backing image')
    assert.deepEqual(snapshot(), before)
  })

  it('cannot be read by anybody yet', async () => {
    const { graph, put, snapshot } = await world()
    await using _reader = graph.attach(graph.find('new'), {
      uses: CONSISTENT_READ,
      shares: ALL_PERMISSIONS,
    })
    const before = snapshot()
    assert.equal(await refusal(() => put('new')), 'The overlay is already in use')
    assert.deepEqual(snapshot(), before)
  })

  it('leaves the graph as it was where those above may not have what they need of it', async () => {
    const { graph, put, writer, snapshot } = await world()
    const user = writer('disk')
    // Somebody lets nobody write to the new image.
    await using _owner = graph.attach(graph.find('new'), {
      uses: NO_PERMISSIONS,
      shares: CONSISTENT_READ,
    })
    const before = snapshot()
    assert.match(await refusal(() => put('new')), /^Permission conflict on node 'new'|^Conflicts/)
    assert.deepEqual(snapshot(), before)
    assert.equal(user.node, graph.find('disk'))
  })
})
