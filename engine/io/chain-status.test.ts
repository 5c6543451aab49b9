/** Status of chains: whose data it is, and what no image of a chain has. */
import assert from 'node:assert/strict'
import type { BlockStatus } from '../block/driver.ts'
import { filterWorld } from '../drivers/testing.ts'

const CLUSTER = 4096

/** `top` of 8 clusters over `mid` of 6 over `base` of 4; each has a cluster of its own. */
async function chain() {
  const world = filterWorld()
  const make = async (name: string, clusters: number, has: number, backing?: string) => {
    const size = clusters * CLUSTER
    const below = backing === undefined ? {} : { backing }
    await world.image(name, { size, clusterBytes: CLUSTER, ...below })
    const user = world.writer(name)
    await user.write(has * CLUSTER, new Uint8Array(CLUSTER).fill(1))
    await user.close()
  }
  await make('base', 4, 0)
  await make('mid', 6, 2, 'base')
  await make('top', 8, 4, 'mid')
  return world
}

type World = Awaited<ReturnType<typeof chain>>

/** `clusters:depth` of each run of a node; `z` where it is known to be zeroes. */
async function runsOf({ graph }: World, node: string, above?: string): Promise<string> {
  const user = graph.attach(graph.find(node), { uses: 1, shares: 15 })
  const base = above === undefined ? undefined : { node: above, include: false }
  const found: string[] = []
  for (let at = 0; at < user.length();) {
    const run: BlockStatus = await user.statusAbove(at, user.length() - at, base)
    const depth = run.allocated ? String(run.depth) : '-'
    found.push(`${String(run.bytes / CLUSTER)}:${depth}${run.zero ? 'z' : ''}`)
    at += run.bytes
  }
  await user.close()
  return found.join(' ')
}

describe('the status of a chain', () => {
  it('tells how deep data lie, and whose zeroes they are', async () => {
    const world = await chain()
    assert.equal(await runsOf(world, 'top'), '1:3 1:-z 1:2 1:-z 1:1 1:3z 2:2z')
  })

  it('stops above a base', async () => {
    const world = await chain()
    assert.equal(await runsOf(world, 'top', 'mid'), '4:- 1:1 3:-')
  })

  it('counts a filter as one more', async () => {
    const world = await chain()
    await world.add({ driver: 'copy-on-read', 'node-name': 'c', file: 'top' })
    assert.equal(await runsOf(world, 'c'), '1:4 1:-z 1:3 1:-z 1:1 1:4z 2:3z')
  })

  it('knows of zeroes past the end of a backing image in the node itself', async () => {
    const { graph } = await chain()
    const user = graph.attach(graph.find('top'), { uses: 1, shares: 15 })
    const status = async (cluster: number) => {
      const { allocated, zero } = await user.status(cluster * CLUSTER, CLUSTER)
      return { allocated, zero }
    }
    assert.deepEqual(await status(5), { allocated: false, zero: false })
    assert.deepEqual(await status(6), { allocated: false, zero: true })
  })
})
