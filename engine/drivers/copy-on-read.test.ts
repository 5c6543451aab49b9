/** Tests of the copy-on-read filter. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { refusal } from '../graph/testing.ts'
import { filterWorld } from './testing.ts'

const CLUSTER = 4096
const SIZE = 16 * CLUSTER

/** `base`, `mid` over it and `top` over that; base has the first half, mid the second quarter. */
async function chain() {
  const world = filterWorld()
  const about = { size: SIZE, clusterBytes: CLUSTER }
  await world.image('base', about)
  const base = world.writer('base')
  await base.write(0, new Uint8Array(SIZE / 2).fill(1))
  await base.close()
  await world.image('mid', { ...about, backing: 'base' })
  const mid = world.writer('mid')
  await mid.write(SIZE / 4, new Uint8Array(SIZE / 4).fill(2))
  await mid.close()
  await world.image('top', { ...about, backing: 'mid' })
  const model = new Uint8Array(SIZE).fill(1, 0, SIZE / 4).fill(2, SIZE / 4, SIZE / 2)
  return { ...world, model }
}

type World = Awaited<ReturnType<typeof chain>>

const filter = (options: object = {}) => ({
  driver: 'copy-on-read',
  'node-name': 'c',
  file: 'top',
  ...options,
})

/** The clusters that `top` has itself. */
async function clustersOf({ graph }: World): Promise<number[]> {
  const user = graph.attach(graph.find('top'), { uses: 1, shares: 15 })
  const found: number[] = []
  for (let offset = 0; offset < SIZE; offset += CLUSTER) {
    if ((await user.status(offset, CLUSTER)).allocated) found.push(offset / CLUSTER)
  }
  await user.close()
  return found
}

describe('copy-on-read', () => {
  it('lets others write what is there already, whatever its parents say', async () => {
    const { graph, add } = await chain()
    const unshared = { 'unshare-child-perms': ['write-unchanged', 'resize'] }
    await add(filter(), { driver: 'blkdebug', 'node-name': 'd', image: 'c', ...unshared })
    const { nodes, edges } = graph.dump()
    const id = nodes.find(({ name }) => name === 'c')?.id
    const edge = edges.find(({ parent }) => parent === id)
    assert.deepEqual(edge?.['shared-perm'], ['write-unchanged', 'write', 'consistent-read'])
  })

  const REFUSED: readonly (readonly [bottom: string, text: string])[] = [
    ['nosuch', "Bottom node 'nosuch' not found"],
    ['', "Bottom node '' not found"],
    ['c', "Bottom node 'c' is a filter"],
    ['other', "Bottom node 'other' is not in the chain below 'c'"],
  ]
  for (const [bottom, text] of REFUSED) {
    it(`refuses the bottom '${bottom}'`, async () => {
      const { graph, add, snapshot } = await chain()
      await add({ driver: 'null-co', 'node-name': 'other' })
      const before = snapshot()
      assert.equal(await refusal(() => graph.add(filter({ bottom }))), text)
      assert.deepEqual(snapshot(), before)
    })
  }

  it('refuses a node that cannot be written', async () => {
    const { graph, add } = await chain()
    await add({ driver: 'null-co', 'node-name': 'ro', 'read-only': true })
    assert.equal(await refusal(() => graph.add(filter({ file: 'ro' }))), 'Block node is read-only')
  })

  it('takes the right to write what is there already', async () => {
    const { add, edge, writer } = await chain()
    await add(filter())
    assert.equal(edge('c', 'file'), 'u/suwr')
    writer('c')
    assert.equal(edge('c', 'file'), 'uwr/uwr')
  })

  it('copies the clusters that are read, zeroes too', async () => {
    const world = await chain()
    await world.add(filter())
    const into = new Uint8Array(2)
    await world.writer('c').read(CLUSTER - 1, into)
    assert.deepEqual(into, Uint8Array.of(1, 1))
    assert.deepEqual(await clustersOf(world), [0, 1])
    await world.writer('c').read(15 * CLUSTER, into)
    assert.deepEqual(await clustersOf(world), [0, 1, 15])
  })

  it('copies nothing that only lies below its bottom', async () => {
    const world = await chain()
    await world.add(filter({ bottom: 'mid' }))
    const into = new Uint8Array(SIZE)
    await world.writer('c').read(0, into)
    assert.deepEqual(into, world.model)
    assert.deepEqual(await clustersOf(world), [4, 5, 6, 7])
  })

  it('freezes the chain down to its bottom while it is there', async () => {
    const { add, graph } = await chain()
    await add(filter({ bottom: 'mid' }))
    assert.equal(
      await refusal(() => graph.add(filter({ 'node-name': 'd', bottom: 'base' }))),
      "Cannot change 'backing' link from 'top' to 'mid'",
    )
    await graph.remove('c')
    await add(filter({ 'node-name': 'd', bottom: 'base' }))
  })

  it('writes nothing twice when reads overlap', async () => {
    const stored = async (times: number): Promise<number> => {
      const world = await chain()
      await world.add(filter())
      const user = world.writer('c')
      const read = async () => user.read(100, new Uint8Array(CLUSTER))
      await world.host.run(Promise.all(Array.from({ length: times }, read)))
      return world.host.files.content('top-file').length
    }
    assert.equal(await stored(4), await stored(1))
  })

  it('copies the cluster around a read of nothing, but none at its beginning', async () => {
    const world = await chain()
    await world.add(filter())
    const user = world.writer('c')
    await user.read(2 * CLUSTER, new Uint8Array(0))
    assert.deepEqual(await clustersOf(world), [])
    await user.read(2 * CLUSTER + 7, new Uint8Array(0))
    assert.deepEqual(await clustersOf(world), [2])
  })

  it('shows what a byte array would, and has all that was read', async () => {
    const range = fc.tuple(fc.nat(SIZE), fc.nat(SIZE))
    const step = fc.record({ kind: fc.constantFrom('read', 'read', 'write', 'zero'), range })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const world = await chain()
        const { model } = world
        await world.add(filter())
        const user = world.writer('c')
        const touched = new Set<number>()
        for (const [index, { kind, range: ends }] of steps.entries()) {
          const [from, to] = [Math.min(...ends), Math.max(...ends)]
          const part = model.subarray(from, to)
          for (let at = from; at < to; at++) touched.add(Math.floor(at / CLUSTER))
          // As in 7.2, a read of nothing copies the cluster that it is inside of.
          if (kind === 'read' && from === to && from % CLUSTER > 0) {
            touched.add(Math.floor(from / CLUSTER))
          }
          if (kind === 'read') {
            const into = new Uint8Array(to - from).fill(255)
            await user.read(from, into)
            assert.deepEqual(into, part)
          } else if (kind === 'write') {
            part.fill(index + 10)
            await user.write(from, part)
          } else {
            part.fill(0)
            await user.zero(from, to - from)
          }
        }
        assert.deepEqual(
          await clustersOf(world),
          [...touched].sort((a, b) => a - b),
        )
      }),
      { numRuns: 25 },
    )
  })
})
