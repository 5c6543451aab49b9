/** Tests of reads that copy: whole clusters, only what is missing, and what stands in the way. */
import assert from 'node:assert/strict'
import { filterWorld } from '../drivers/testing.ts'
import { refusal } from '../graph/testing.ts'

const CLUSTER = 4096
const COPY = { copyOnRead: true }

/** `top` without data over `base` full of ones, the last cluster cut short. */
async function world() {
  const made = filterWorld()
  const size = 8 * CLUSTER + 512
  await made.image('base', { size, clusterBytes: CLUSTER })
  const base = made.writer('base')
  await base.write(0, new Uint8Array(size).fill(1))
  await base.close()
  await made.image('top', { size, clusterBytes: CLUSTER, backing: 'base' })
  const user = made.writer('top')
  /** The clusters that the node has by now. */
  const copied = async (): Promise<string> => {
    const found: number[] = []
    for (let index = 0; index < 9; index++) {
      if ((await user.status(index * CLUSTER, 1)).allocated) found.push(index)
    }
    return found.join(' ')
  }
  return { ...made, user, size, copied }
}

describe('a read that copies', () => {
  it('copies the clusters that it touches, and reads what it was asked for', async () => {
    const { user, copied } = await world()
    const into = new Uint8Array(CLUSTER)
    await user.read(100, into, COPY)
    assert.deepEqual(into, new Uint8Array(CLUSTER).fill(1))
    assert.equal(await copied(), '0 1')
  })

  it('leaves alone what the node has', async () => {
    const { user } = await world()
    await user.write(CLUSTER, new Uint8Array(CLUSTER).fill(2))
    const into = new Uint8Array(3 * CLUSTER)
    await user.read(0, into, COPY)
    assert.deepEqual(
      [0, CLUSTER - 1, CLUSTER, 2 * CLUSTER - 1, 2 * CLUSTER].map((at) => into[at]),
      [1, 1, 2, 2, 1],
    )
  })

  it('copies without reading where nobody wants the data', async () => {
    const { user, copied } = await world()
    const into = new Uint8Array(CLUSTER).fill(7)
    await user.write(0, new Uint8Array(CLUSTER).fill(2))
    await user.read(0, into, { ...COPY, prefetch: true })
    assert.deepEqual(into, new Uint8Array(CLUSTER).fill(7))
    assert.equal(await copied(), '0')
  })

  it('of nothing copies the cluster that it is in', async () => {
    const { user, copied } = await world()
    await user.read(2 * CLUSTER + 1, new Uint8Array(0), COPY)
    assert.equal(await copied(), '2')
  })

  it('of nothing copies nothing between two clusters, or at the end', async () => {
    const { user, copied, size } = await world()
    await user.read(2 * CLUSTER, new Uint8Array(0), COPY)
    await user.read(size, new Uint8Array(0), COPY)
    assert.equal(await copied(), '')
  })

  it('copies no more than there is of the last cluster', async () => {
    const { user, copied, size } = await world()
    await user.read(size - 1, new Uint8Array(1), COPY)
    assert.equal(await copied(), '8')
    assert.equal(user.length(), size)
  })

  it('through a read-only filter copies where the filter may', async () => {
    const { graph, add, user, copied } = await world()
    await add({ driver: 'copy-on-read', 'node-name': 'c', file: 'top', 'read-only': true })
    const reader = graph.attach(graph.find('c'), { uses: 1, shares: 15 })
    await reader.read(0, new Uint8Array(1), COPY)
    assert.equal(await copied(), '0')
    await user.close()
  })

  it('fails where the node may not be written, unless it has the data', async () => {
    const { graph, user } = await world()
    await user.write(0, new Uint8Array(1))
    await user.close()
    await graph.reopen([
      { driver: 'qcow2', 'node-name': 'top', file: 'top-file', backing: 'base', 'read-only': true },
    ])
    const reader = graph.attach(graph.find('top'), { uses: 1, shares: 15 })
    await reader.read(0, new Uint8Array(1), COPY)
    const text = await refusal(() => reader.read(CLUSTER, new Uint8Array(1), COPY))
    assert.equal(text, 'Operation not permitted')
  })
})
