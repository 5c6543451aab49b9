/** Tests of filters that jobs put into chains, and of nodes that take the places of others. */
import assert from 'node:assert/strict'
import { defineFilter } from '../block/driver.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, NO_PERMISSIONS, RESIZE } from '../block/permission.ts'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { overlay, overlayImage, refusal, testWorld } from './testing.ts'

/** As no client can name it. */
const passing = defineFilter({
  name: 'passing',
  doc: 'A model.',
  options: {},
  filtered: 'backing',
  claims: () => ({ uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS & ~RESIZE }),
  open: () => ({}),
})

/** Images `base`, `mid`, `top` and `top2` over `mid`; `raw` over `top`. */
async function chain() {
  const world = testWorld([...DRIVERS, overlay], requestPaths)
  const image = (name: string, backing: string | null) => {
    world.host.files.put(name, overlayImage(backing ?? ''))
    const file = { driver: 'file', filename: name }
    return { driver: 'overlay', 'node-name': name, file, backing }
  }
  await world.add(
    image('base', null),
    image('mid', 'base'),
    image('top', 'mid'),
    image('top2', 'mid'),
    { driver: 'raw', 'node-name': 'raw', file: 'top' },
  )
  const { graph } = world
  const node = (name: string) => graph.find(name)
  /** `parent.edge: child` of all edges but those of files. */
  const links = () => {
    const { nodes, edges } = graph.dump()
    const nameOf = (id: number) => {
      const found = nodes.find((other) => other.id === id)
      return found?.type === 'block-driver' ? found.name : (found?.type ?? '')
    }
    return edges
      .filter(({ child }) => !nameOf(child).startsWith('#block') || nameOf(child) === inserted)
      .map(({ parent, name, child }) => `${nameOf(parent)}.${name}: ${nameOf(child)}`)
      .map((line) => line.replaceAll(inserted, 'filter'))
      .toSorted()
  }
  let inserted = '?'
  const insert = async (above: string, name?: string) => {
    const filter = await graph.insertFilter({ above: node(above), driver: passing, name })
    inserted = filter.name
    return filter
  }
  const header = (name: string) => world.host.files.content(name)
  return { ...world, node, links, insert, header }
}

const PLAIN = ['mid.backing: base', 'raw.file: top', 'top.backing: mid', 'top2.backing: mid']

describe('a filter above a node', () => {
  it('comes below nodes and users, not below jobs', async () => {
    const { graph, node, links, insert, writer } = await chain()
    writer('mid')
    const job = graph.attachJob({ id: 'j', type: 'commit' })
    const nothing = { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }
    job.add('main node', node('mid'), nothing)
    await insert('mid')
    assert.deepEqual(links(), [
      'block-backend.root: filter',
      'block-job.main node: mid',
      'filter.backing: mid',
      'mid.backing: base',
      'raw.file: top',
      'top.backing: filter',
      'top2.backing: filter',
    ])
  })

  it('has a name that is made up, and what it shows is what it is called', async () => {
    const { graph, insert } = await chain()
    const filter = await insert('mid')
    assert.match(filter.name, /^#block/)
    assert.equal(filter.implicit, true)
    assert.equal(graph.info(filter).filename, 'mid')
  })

  it('is not implicit where a client chose its name', async () => {
    const { insert } = await chain()
    assert.equal((await insert('mid', 'chosen')).implicit, false)
  })

  it('goes without a trace', async () => {
    const { graph, insert, snapshot, writer } = await chain()
    writer('mid')
    const before = snapshot()
    const filter = await insert('mid')
    await graph.dropFilter(filter)
    assert.deepEqual(snapshot(), before)
  })

  it('stays while a job has an edge to it, and shows nothing', async () => {
    const { graph, links, insert } = await chain()
    const filter = await insert('mid')
    const job = graph.attachJob({ id: 'j', type: 'stream' })
    job.add('main node', filter, { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS })
    await graph.dropFilter(filter)
    assert.deepEqual(links(), ['block-job.main node: filter', ...PLAIN])
    await job.close()
    assert.deepEqual(links(), PLAIN)
  })

  it('is refused for a name in use, or where claims conflict, without a trace', async () => {
    const { graph, node, insert, snapshot } = await chain()
    graph.attach(node('mid'), { uses: RESIZE, shares: ALL_PERMISSIONS })
    graph.attach(node('mid'), { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS })
    const user = graph.attach(node('mid'), { uses: RESIZE, shares: ALL_PERMISSIONS })
    const before = snapshot()
    assert.equal(await refusal(() => insert('mid', 'top')), "Duplicate nodes with node-name='top'")
    assert.equal(await refusal(() => insert('mid', '#a')), "Invalid node-name: '#a'")
    const job = graph.attachJob({ id: 'j', type: 'commit' })
    job.add('main node', node('mid'), { uses: RESIZE, shares: ALL_PERMISSIONS })
    assert.equal(
      await refusal(() => insert('mid', 'chosen')),
      "Permission conflict on node 'mid': permissions 'resize' are both required by commit job " +
        "'j' (uses node 'mid' as 'main node' child) and unshared by node 'chosen' (uses node " +
        "'mid' as 'backing' child).",
    )
    await job.close()
    assert.deepEqual(snapshot(), before)
    await user.close()
  })

  it('of a listed driver is opened with its options over its children', async () => {
    const { graph, node, links } = await chain()
    const filter = await graph.insertFilter({
      above: node('mid'),
      driver: 'copy-on-read',
      name: 'filter',
      options: { bottom: 'mid' },
    })
    assert.deepEqual(links(), [
      'filter.file: mid',
      'mid.backing: base',
      'raw.file: top',
      'top.backing: filter',
      'top2.backing: filter',
    ])
    assert.equal(
      await refusal(() => graph.remove('filter')),
      "Node 'filter' is busy: node is used as backing hd of 'top'",
    )
    await graph.dropFilter(filter)
    assert.deepEqual(links(), PLAIN)
  })

  it('cannot be relied on where it is to go first', async () => {
    const { graph, node } = await chain()
    await graph.insertFilter({ above: node('mid'), driver: passing, name: 'f', neverFreeze: true })
    assert.equal(
      await refusal(() => graph.freeze(node('top'), node('base'))),
      "Cannot freeze 'backing' link to 'f'",
    )
  })

  it('holds requests of those above back while the node below is drained', async () => {
    const { node, insert, writer } = await chain()
    const user = writer('mid')
    const section = await node('mid').drained()
    const filter = insert('mid')
    assert.equal(user.quiesced, true)
    section.end()
    await filter
    assert.equal(user.quiesced, false)
    await using _again = await node('mid').drained()
    assert.equal(user.quiesced, true)
  })
})

describe('a node in the place of another one', () => {
  it('has all that was above, edges keep their names', async () => {
    const { graph, node, links } = await chain()
    await graph.replaceNode(node('mid'), node('base'))
    assert.deepEqual(links(), [
      'mid.backing: base',
      'raw.file: top',
      'top.backing: base',
      'top2.backing: base',
    ])
  })

  it('is refused where somebody relies on a link', async () => {
    const { graph, node, snapshot } = await chain()
    const thaw = graph.freeze(node('top'), node('mid'))
    const before = snapshot()
    assert.equal(
      await refusal(() => graph.replaceNode(node('mid'), node('base'))),
      "Cannot change 'backing' link to 'mid'",
    )
    assert.deepEqual(snapshot(), before)
    thaw()
    await graph.replaceNode(node('mid'), node('base'))
  })
})

describe('a chain that is made shorter', () => {
  it('leads from all overlays to the base, which their headers name', async () => {
    const { graph, node, links, header } = await chain()
    await graph.dropIntermediate({ top: node('mid'), base: node('base') })
    assert.deepEqual(links(), [
      'mid.backing: base',
      'raw.file: top',
      'top.backing: base',
      'top2.backing: base',
    ])
    for (const name of ['top', 'top2']) {
      assert.deepEqual(header(name), overlayImage('base', 'overlay'))
    }
    assert.equal(graph.info(node('top')).filename, 'top')
  })

  it('has the names in its headers that somebody wants there', async () => {
    const { graph, node, header } = await chain()
    const backingFile = './whatever'
    await graph.dropIntermediate({ top: node('mid'), base: node('base'), backingFile })
    assert.deepEqual(header('top'), overlayImage('./whatever', 'overlay'))
  })

  it('is told on standard error where it cannot be', async () => {
    const { graph, node, log, snapshot } = await chain()
    const job = graph.attachJob({ id: 'j', type: 'commit' })
    job.add('main node', node('mid'), { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS })
    const before = snapshot()
    assert.equal(
      await refusal(() => graph.dropIntermediate({ top: node('mid'), base: node('base') })),
      'Input/output error',
    )
    assert.deepEqual(log, ["Should not change 'main node' link to 'mid'"])
    assert.deepEqual(snapshot(), before)
  })

  it('loses a backing image without a word in the header', async () => {
    const { graph, node, links, header } = await chain()
    await graph.setBacking(node('top'), undefined)
    assert.deepEqual(links(), ['mid.backing: base', 'raw.file: top', 'top2.backing: mid'])
    assert.deepEqual(header('top'), overlayImage('mid'))
    await graph.writeBacking(node('top'), undefined)
    assert.deepEqual(header('top'), overlayImage(''))
  })
})
