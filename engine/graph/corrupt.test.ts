/** Tests of nodes whose images turn out to be corrupt. */
import assert from 'node:assert/strict'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { overlay, overlayImage, POISON, refusal, testWorld } from './testing.ts'

/** `c`, corrupt, with a user; `free`, an overlay of it. */
async function world() {
  const test = testWorld([...DRIVERS, overlay], requestPaths)
  test.host.files.put('c', overlayImage())
  test.host.files.put('o', overlayImage('c', 'overlay'))
  await test.add({
    driver: 'overlay',
    'node-name': 'c',
    file: { driver: 'file', filename: 'c' },
  })
  const user = test.writer('c')
  await refusal(() => user.write(512, new Uint8Array(512).fill(POISON)))
  return { ...test, user }
}

const overC = (backing: string | null) => ({
  driver: 'overlay',
  'node-name': 'o',
  file: { driver: 'file', filename: 'o' },
  backing,
})

describe('a corrupt image', () => {
  it('is told of once', async () => {
    const { events, user } = await world()
    await refusal(() => user.write(0, new Uint8Array(512).fill(POISON)))
    assert.deepEqual(events, [
      [
        'BLOCK_IMAGE_CORRUPTED',
        {
          device: '',
          'node-name': 'c',
          msg: 'poison',
          offset: 512,
          size: 512,
          fatal: true,
        },
      ],
    ])
  })

  it('is neither read nor written; users may not flush it, and for others that has no effect', async () => {
    const { graph, user } = await world()
    const { io } = graph.find('c') as unknown as { io: Record<string, () => unknown> }
    for (const request of ['read', 'write', 'zero', 'discard', 'status', 'truncate']) {
      assert.equal(await refusal(() => io[request]?.()), 'No medium found')
    }
    await io['flush']?.()
    assert.equal(await refusal(() => user.flush()), 'No medium found')
    assert.equal(await refusal(() => user.read(0, new Uint8Array(512))), 'No medium found')
  })

  it('keeps its edges, and queries that list nodes fail', async () => {
    const { graph } = await world()
    assert.equal(graph.dump().edges.length, 2)
    assert.equal(await refusal(() => graph.info(graph.find('c'))), 'Block device c is ejected')
  })

  it('cannot be reopened or resized, but can be detached and deleted', async () => {
    const { graph, add, user } = await world()
    await user.close()
    const c = graph.find('c')
    assert.equal(await refusal(() => graph.resize(c, 512)), 'No medium inserted')
    assert.equal(
      await refusal(() => graph.reopen([{ ...overC(null), 'node-name': 'c' }])),
      "Block node 'c' has no driver left to reopen",
    )
    await add(overC('c'))
    assert.equal(await refusal(() => graph.resize(c, 512)), "Device '(null)' is in use")
    assert.equal(
      await refusal(() => graph.remove('c')),
      "Node 'c' is busy: node is used as backing hd of 'o'",
    )
    const change = { device: 'o', image: 'o', backingFile: 'x' }
    assert.equal(await refusal(() => graph.changeBackingFile(change)), 'Device has no medium')
    await graph.reopen([overC(null)])
    await graph.remove('c')
  })

  it('has no length for parents to come', async () => {
    const { graph } = await world()
    assert.equal(
      await refusal(() => graph.add({ driver: 'raw', 'node-name': 'r', file: 'c' })),
      'Could not get image size: No medium found',
    )
  })
})
