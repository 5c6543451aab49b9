/** Tests of adding a node. */
import assert from 'node:assert/strict'
import { defineDriver } from '../block/driver.ts'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { refusal, testWorld } from './testing.ts'

const world = () => testWorld(DRIVERS, requestPaths)
const nullNode = (name: string) => ({ driver: 'null-co', 'node-name': name })

describe('adding a node', () => {
  const REFUSED: readonly (readonly [what: string, name: string | undefined, text: string])[] = [
    ['no name', undefined, "'node-name' must be specified for the root node"],
    ['an empty name', '', "Invalid node-name: ''"],
    ['a digit first', '1x', "Invalid node-name: '1x'"],
    ['a made-up name', '#block123', "Invalid node-name: '#block123'"],
    ['a blank', 'a b', "Invalid node-name: 'a b'"],
    ['a letter with an accent', 'é', "Invalid node-name: 'é'"],
    ['32 letters', 'x'.repeat(32), 'Node name too long'],
    ['a name in use', 'taken', "Duplicate nodes with node-name='taken'"],
  ]
  for (const [what, name, text] of REFUSED) {
    it(`refuses ${what}`, async () => {
      const { graph, add } = world()
      await add(nullNode('taken'))
      const options = name === undefined ? { driver: 'null-co' } : nullNode(name)
      assert.equal(await refusal(() => graph.add(options)), text)
    })
  }

  it('takes a name of 31 letters, digits, dots, dashes and underscores', async () => {
    const { graph, add } = world()
    await add(nullNode(`a.-_1${'x'.repeat(26)}`))
    assert.equal(graph.nodes().length, 1)
  })

  it('makes up names that count on, also over attempts that failed', async () => {
    const { graph, add } = world()
    const nested = { driver: 'raw', file: { driver: 'null-co' } }
    await refusal(() => graph.add({ ...nested, 'node-name': 'a', size: 1 }))
    await add({ ...nested, 'node-name': 'b' })
    assert.match(graph.nodes()[0]?.name ?? '', /^#block1[0-9]{2}$/)
  })

  it('opens a nested file before the node has its name, and listed children after', async () => {
    const { graph, add } = world()
    await add(
      { driver: 'raw', 'node-name': 'r', file: { driver: 'null-co', 'node-name': 'rf' } },
      {
        driver: 'quorum',
        'node-name': 'q',
        'vote-threshold': 1,
        children: [{ driver: 'null-co', 'node-name': 'qc' }],
      },
    )
    assert.deepEqual(
      graph.nodes().map(({ name }) => name),
      ['rf', 'r', 'q', 'qc'],
    )
  })

  it('hands flags down to nested nodes, not to named ones', async () => {
    const { graph, add } = world()
    const cache = { direct: true, 'no-flush': true }
    await add(
      nullNode('named'),
      { driver: 'raw', 'node-name': 'over', 'read-only': true, cache, file: 'named' },
      { driver: 'raw', 'node-name': 'nest', 'read-only': true, cache, file: nullNode('nested') },
    )
    const { flags } = graph.find('nested')
    assert.deepEqual([flags.readOnly, flags.direct, flags.noFlush], [true, true, true])
    assert.equal(graph.find('named').flags.readOnly, false)
  })

  it('lets a nested node zero by unmapping, whose parent decides about discards', async () => {
    const { graph, add } = world()
    const unmap = { 'detect-zeroes': 'unmap' }
    const text = await refusal(() => graph.add({ ...nullNode('a'), ...unmap }))
    assert.equal(
      text,
      'setting detect-zeroes to unmap is not allowed without setting discard operation to unmap',
    )
    await add({ driver: 'raw', 'node-name': 'r', file: { ...nullNode('b'), ...unmap } })
  })

  it('refuses to share by force what is written to', async () => {
    const { graph } = world()
    assert.equal(
      await refusal(() => graph.add({ ...nullNode('a'), 'force-share': true })),
      'force-share=on can only be used with read-only images',
    )
  })

  it('names a reference that does not exist twice, as QEMU does', async () => {
    const { graph } = world()
    assert.equal(
      await refusal(() => graph.add({ driver: 'raw', 'node-name': 'r', file: 'zz' })),
      "Cannot find device='zz' nor node-name='zz'",
    )
  })

  it('refuses a node as its own child, also further down', async () => {
    const { graph, snapshot } = world()
    const before = snapshot()
    const quorum = (child: unknown) =>
      graph.add({ driver: 'quorum', 'node-name': 'q', 'vote-threshold': 1, children: [child] })
    assert.equal(
      await refusal(() => quorum('q')),
      "Making 'q' a children.0 child of 'q' would create a cycle",
    )
    assert.equal(
      await refusal(() => quorum({ driver: 'raw', 'node-name': 'r', file: 'q' })),
      "Making 'q' a file child of 'r' would create a cycle",
    )
    assert.deepEqual(snapshot(), before)
  })

  it('flushes what lies below a node that was opened and then refused', async () => {
    let flushes = 0
    const counting = defineDriver({
      name: 'counting',
      kind: 'protocol',
      doc: 'Counts flushes.',
      options: {},
      children: {},
      open: () => ({
        length: () => 4096,
        read: () => undefined,
        write: () => undefined,
        flushToDisk: () => void (flushes += 1),
      }),
    })
    const { graph, add, writer } = testWorld([...DRIVERS, counting], requestPaths)
    await add(nullNode('longer'), { driver: 'counting', 'node-name': 'n' })
    const user = writer('n')
    await user.write(0, new Uint8Array(512))
    await user.close()
    const before = flushes
    const children = ['longer', 'n']
    const text = await refusal(() =>
      graph.add({ driver: 'quorum', 'node-name': 'q', 'vote-threshold': 1, children }),
    )
    assert.equal(text, 'Could not refresh total sector count: Input/output error')
    assert.equal(flushes - before, 1)
  })
})
