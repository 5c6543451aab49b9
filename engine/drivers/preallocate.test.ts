/** Tests of the preallocate filter. Lengths of the file are those that a real 7.2 makes. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../block/permission.ts'
import { refusal } from '../graph/testing.ts'
import { filterWorld } from './testing.ts'

const KIB = 1024
const MIB = KIB * KIB
const CLUSTER = 64 * KIB
const GROWER = { uses: CONSISTENT_READ | WRITE | RESIZE, shares: ALL_PERMISSIONS }
/** A qcow2 image's first write puts a table into its fourth cluster and data into its fifth. */
const FIRST_END = 6 * CLUSTER

/** A preallocate node `p` over the file of an image, and an image node `q` over that. */
async function world(options: object = {}) {
  const test = filterWorld()
  await test.image('old', { size: 4 * MIB })
  await test.graph.remove('old')
  const about = { 'prealloc-align': CLUSTER, 'prealloc-size': MIB, ...options }
  const filter = { driver: 'preallocate', 'node-name': 'p', file: 'old-file', ...about }
  const open = async () => {
    await test.add(filter, { driver: 'qcow2', 'node-name': 'q', file: 'p' })
  }
  const length = () => test.host.files.content('old-file').length
  return { ...test, filter, open, length }
}

describe('preallocate', () => {
  const ALIGN = 'prealloc-align parameter of preallocate filter is not aligned to'
  const REFUSED: readonly (readonly [options: object, text: string])[] = [
    [
      { 'prealloc-align': -512 },
      "Parameter 'prealloc-align' expects a non-negative number below 2^64",
    ],
    [{ 'prealloc-size': -1 }, "Parameter 'prealloc-size' expects a non-negative number below 2^64"],
    [{ 'prealloc-align': 513 }, `${ALIGN} 512`],
  ]
  for (const [options, text] of REFUSED) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      const { graph, filter } = await world(options)
      assert.equal(await refusal(() => graph.add(filter)), text)
    })
  }

  it('refuses steps that do not fit the blocks of the node below', async () => {
    const { graph, add, filter } = await world({ 'prealloc-align': 512 })
    await add({ driver: 'blkdebug', 'node-name': 'b', image: 'old-file', align: 4096 })
    assert.equal(
      await refusal(() => graph.add({ ...filter, file: 'b' })),
      `${ALIGN} underlying node request alignment (4096)`,
    )
  })

  it('lets nobody else write or resize while somebody above may do both', async () => {
    const { add, filter, edge, graph } = await world()
    await add(filter)
    assert.equal(edge('p', 'file'), '/suwr')
    graph.attach(graph.find('p'), GROWER)
    assert.equal(edge('p', 'file'), 'swr/ur')
  })

  it('makes the file longer than a write needs', async () => {
    const { open, writer, length, graph } = await world()
    await open()
    await writer('q').write(0, new Uint8Array(512).fill(7))
    assert.equal(length(), FIRST_END - CLUSTER + MIB)
    assert.equal(graph.find('p').length(), FIRST_END)
  })

  it('leaves the file alone while writes stay within what it made', async () => {
    const { open, writer, length } = await world()
    await open()
    const user = writer('q')
    await user.write(0, new Uint8Array(512).fill(7))
    const before = length()
    await user.write(MIB, new Uint8Array(256 * KIB).fill(7))
    assert.equal(length(), before)
    await user.write(2 * MIB, new Uint8Array(MIB).fill(7))
    assert.equal(length(), FIRST_END + 256 * KIB + 2 * MIB)
  })

  it('cuts off what is too much when nobody above may write and resize any more', async () => {
    const { open, writer, length, graph } = await world()
    await open()
    const user = writer('q')
    await user.write(0, new Uint8Array(512).fill(7))
    await user.close()
    await graph.remove('q')
    assert.equal(length(), FIRST_END)
  })

  it('keeps the data when it is cut', async () => {
    const { open, writer, graph, add } = await world()
    await open()
    const user = writer('q')
    await user.write(1000, Uint8Array.of(1, 2, 3))
    await user.close()
    await graph.remove('q')
    await add({ driver: 'qcow2', 'node-name': 'again', file: 'p' })
    const into = new Uint8Array(3)
    await writer('again').read(1000, into)
    assert.deepEqual(into, Uint8Array.of(1, 2, 3))
  })

  it('gives exactly the length that is asked for', async () => {
    const { add, filter, graph, length } = await world()
    await add(filter)
    const user = graph.attach(graph.find('p'), GROWER)
    for (const bytes of [MIB, 10 * KIB, 2 * MIB]) {
      await user.truncate(bytes)
      assert.equal(length(), bytes)
    }
  })

  it('takes other steps when it is reopened, but wants both named again', async () => {
    const { add, filter, graph } = await world()
    await add(filter)
    const { 'prealloc-size': _, ...rest } = filter
    await graph.reopen([{ ...filter, 'prealloc-size': 0 }])
    assert.equal(
      await refusal(() => graph.reopen([rest])),
      "Option 'prealloc-size' cannot be reset to its default value",
    )
  })

  it('lets writes pass where the file cannot be made longer', async () => {
    const { open, writer, length } = await world({ 'prealloc-size': 2 ** 62 })
    await open()
    await writer('q').write(0, new Uint8Array(512).fill(7))
    assert.equal(length(), FIRST_END)
  })
})
