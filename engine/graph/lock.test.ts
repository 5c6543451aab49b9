/** Tests of who may change the graph while somebody holds a drained section. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { AssertionError } from '../util/assert.ts'
import { attachEdge, detachEdge } from './edge.ts'
import { innerNode } from './public-node.ts'
import { testWorld } from './testing.ts'

const node = (name: string) => ({ driver: 'null-co', 'node-name': name })

async function world() {
  const test = testWorld(DRIVERS, requestPaths)
  await test.add(node('a'))
  return test
}

describe('changes of the graph', () => {
  it('only the holder of a drained section may change the graph', async () => {
    const { host, graph } = await world()
    const section = await graph.find('a').drained()
    const others = graph.add(node('others'))
    await graph.within(section).add(node('own'))
    await host.idle()
    const names = () => graph.nodes().map(({ name }) => name)
    assert.deepEqual(names(), ['a', 'own'])
    section.end()
    await others
    assert.deepEqual(names(), ['a', 'own', 'others'])
  })

  it('a graph change while somebody walks the graph stops the program', async () => {
    const { graph, add } = await world()
    await add({ driver: 'raw', 'node-name': 'r', file: 'a' })
    const { lock, children } = innerNode(graph.find('r'))
    const [edge] = children
    assert.ok(edge !== undefined)
    const unlinking = (): void => {
      detachEdge(edge)
    }
    assert.throws(() => {
      lock.walk(unlinking)
    }, AssertionError)
    assert.deepEqual(
      graph.dump().edges.map(({ name }) => name),
      ['file'],
    )
    unlinking()
    assert.deepEqual(graph.dump().edges, [])
  })

  it('a graph change out of turn stops the program', async () => {
    const { graph, add } = await world()
    await add({ driver: 'raw', 'node-name': 'r', file: 'a' })
    const [parent, child] = ['r', 'a'].map((name) => innerNode(graph.find(name)))
    assert.ok(parent !== undefined && child !== undefined)
    const [edge] = parent.children
    assert.ok(edge !== undefined)
    const { role, claims } = edge
    assert.throws(() => attachEdge(edge.parent, 'second', role, child, claims), AssertionError)
  })

  it('a driver may change its own children inside its own drained section', async () => {
    const { graph, add } = await world()
    const quorum = { driver: 'quorum', 'node-name': 'q', 'vote-threshold': 1, children: ['a'] }
    await add(node('b'), quorum)
    await using section = await graph.find('q').drained()
    await graph.within(section).changeChild({ parent: 'q', node: 'b' })
    const names = graph.dump().edges.map(({ name }) => name)
    assert.deepEqual(names.toSorted(), ['children.0', 'children.1'])
  })
})

describe('a drained section', () => {
  it('keeps others from changing the graph until it ends', async () => {
    const { host, graph } = await world()
    const section = await graph.find('a').drained()
    const added = graph.add(node('b'))
    await host.idle()
    assert.equal(graph.findOrUndefined('b'), undefined)
    section.end()
    await added
    assert.equal(graph.nodes().length, 2)
  })

  it('lets its holder change the graph', async () => {
    const { graph } = await world()
    await using section = await graph.find('a').drained()
    await graph.within(section).add(node('b'))
    assert.equal(graph.nodes().length, 2)
  })

  it('begins when that of somebody else has ended, a user among them', async () => {
    const { host, graph, writer } = await world()
    const first = await writer('a').drained()
    const begun = graph.find('a').drained()
    const added = begun.then((section) => graph.within(section).add(node('b')))
    await host.idle()
    assert.equal(graph.nodes().length, 1)
    first.end()
    await added
    ;(await begun).end()
  })

  it('may be followed by further ones of its holder', async () => {
    const { graph, add } = await world()
    await add(node('b'))
    await using first = await graph.find('a').drained()
    await using second = await graph.find('b').drained({ along: first })
    await graph.within(first).add(node('c'))
    assert.equal(graph.nodes().length, 3)
    assert.notEqual(second, first)
  })

  it('that has ended holds nobody up', async () => {
    const { graph } = await world()
    const section = await graph.find('a').drained()
    section.end()
    section.end()
    await graph.add(node('b'))
  })

  it('changes take turns', async () => {
    const { graph } = await world()
    await Promise.all([graph.add(node('b')), graph.remove('a'), graph.add(node('a'))])
    assert.deepEqual(
      graph.nodes().map(({ name }) => name),
      ['b', 'a'],
    )
  })
})
