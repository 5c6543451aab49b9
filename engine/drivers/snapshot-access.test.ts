/** Tests of snapshot-access nodes; what they show is tested with copy-before-write. */
import assert from 'node:assert/strict'
import { refusal } from '../graph/testing.ts'
import { filterWorld } from './testing.ts'

const SIZE = 2 ** 20

async function world(file = 'c') {
  const test = filterWorld()
  await test.file('f', new Uint8Array(SIZE).fill(1))
  await test.file('t', new Uint8Array(SIZE))
  await test.add(
    { driver: 'copy-before-write', 'node-name': 'c', file: 'f', target: 't' },
    { driver: 'snapshot-access', 'node-name': 's', file, discard: 'unmap' },
  )
  return { ...test, user: test.writer('s') }
}

const NOTHING = 'Operation not supported'

describe('snapshot-access', () => {
  it('wants nothing of the node below, whatever is wanted of it', async () => {
    const { edge } = await world()
    assert.equal(edge('s', 'file'), '/suwr')
  })

  it('is not written, zeroed or resized', async () => {
    const { user, graph } = await world()
    assert.equal(await refusal(() => user.write(0, new Uint8Array(1))), NOTHING)
    assert.equal(await refusal(() => user.zero(0, 512)), NOTHING)
    await user.close()
    assert.equal(
      await refusal(() => graph.resize(graph.find('s'), 512)),
      'Image format driver does not support resize',
    )
  })

  it('shows nothing where the node below keeps no snapshot', async () => {
    const { user } = await world('f')
    assert.equal(await refusal(() => user.read(0, new Uint8Array(1))), NOTHING)
    assert.equal(await refusal(() => user.status(0, 512)), NOTHING)
  })

  it('is named as the node below', async () => {
    const { graph } = await world()
    assert.equal(graph.info(graph.find('s')).filename, 'f')
  })

  it('keeps the length that it was opened with', async () => {
    const { graph, user } = await world()
    await graph.resize(graph.find('c'), 2 * SIZE)
    assert.equal(user.length(), SIZE)
  })
})
