/** Damage of one kind each, and what a repair makes of it. */
import assert from 'node:assert/strict'
import type { CheckReport } from '../../../block/driver.ts'
import { checked, refusal } from '../../../graph/testing.ts'
import { damaged, type ImageWorld, type Patch } from '../testing.ts'

const CLUSTER = 65536
const TABLE = CLUSTER
const BLOCK = 2 * CLUSTER
const L1 = 3 * CLUSTER
const L2 = 4 * CLUSTER
const DATA = 5
/** Byte of the header with the marks. */
const MARKS = 79
const DIRTY = 1
const CORRUPT = 2

/** Repairs the image as `img check -r` does; then it is closed again. */
async function repair(
  { world }: ImageWorld,
  what: 'leaks' | 'all',
): Promise<CheckReport & { readonly lines: readonly string[] }> {
  const { graph } = world
  const node = await graph.addFilename('i', {
    format: 'qcow2',
    forCheck: true,
    options: { 'node-name': 'i', 'read-only': false },
  })
  const lines: string[] = []
  try {
    const report = await graph.check(node, { repair: what, tell: (line) => lines.push(line) })
    assert.ok(report !== undefined)
    return { ...report, lines }
  } finally {
    await graph.remove('i')
  }
}

/** Opened for writing like any image, it has nothing wrong. */
async function assertSound(images: ImageWorld): Promise<void> {
  const user = await images.open('i')
  const { lines } = await checked(images.world.graph, 'i')
  assert.deepEqual(lines, [])
  const data = new Uint8Array(CLUSTER)
  await user.read(0, data)
  assert.deepEqual([data[0], data[CLUSTER - 1]], [7, 7])
  await images.close('i', user)
}

const count = (cluster: number, value: number): Patch => [BLOCK + 2 * cluster, [0, value]]

describe('repairing a qcow2 image', () => {
  it('gives leaked clusters back', async () => {
    const images = await damaged(count(DATA, 3), count(DATA + 3, 1))
    const { files } = images.world.host
    files.put('i', Buffer.concat([files.content('i'), Buffer.alloc(3 * CLUSTER)]))
    const { lines, leaksFixed, leaks } = await repair(images, 'leaks')
    assert.deepEqual(
      lines.filter((line) => line.startsWith('Repairing')),
      ['Repairing cluster 5 refcount=3 reference=1', 'Repairing cluster 8 refcount=1 reference=0'],
    )
    assert.deepEqual([leaksFixed, leaks], [2, 0])
    await assertSound(images)
  })

  it('leaves counts that are too low alone where only leaks are wanted', async () => {
    const images = await damaged([L2 + 8, [0x80, 0, 0, 0, 0, 5, 0, 0]])
    const { lines, corruptions, corruptionsFixed } = await repair(images, 'leaks')
    assert.deepEqual([corruptions > 0, corruptionsFixed], [true, 0])
    assert.ok(lines.includes('ERROR cluster 5 refcount=1 reference=2'))
  })

  it('raises counts that are too low, and takes the flags of what is shared', async () => {
    const images = await damaged([L2 + 8, [0x80, 0, 0, 0, 0, 5, 0, 0]])
    const { lines, corruptions, corruptionsFixed } = await repair(images, 'all')
    assert.deepEqual(lines, [
      'ERROR cluster 5 refcount=1 reference=2',
      'Repairing cluster 5 refcount=1 reference=2',
      'Repairing OFLAG_COPIED data cluster: l2_entry=8000000000050000 refcount=2',
      'Repairing OFLAG_COPIED data cluster: l2_entry=8000000000050000 refcount=2',
    ])
    assert.deepEqual([corruptions, corruptionsFixed], [0, 3])
    await assertSound(images)
  })

  it('makes new refcounts where a cluster in use counts as free', async () => {
    const images = await damaged(count(DATA, 0))
    const { lines, corruptionsFixed } = await repair(images, 'all')
    assert.deepEqual(lines.slice(0, 2), [
      'ERROR cluster 5 refcount=0 reference=1',
      'Rebuilding refcount structure',
    ])
    assert.equal(corruptionsFixed, 1)
    await assertSound(images)
  })

  it('makes new refcounts where the block is nowhere, or another table', async () => {
    for (const cluster of [0, 1, 3, 4]) {
      const images = await damaged([TABLE, [0, 0, 0, 0, 0, cluster, 0, 0]])
      const { lines } = await repair(images, 'all')
      assert.ok(lines.includes('Rebuilding refcount structure'), lines.join('\n'))
      await assertSound(images)
    }
  })

  it('refuses to do with leaks alone what takes new refcounts', async () => {
    const images = await damaged(count(DATA, 0))
    assert.equal(await refusal(() => repair(images, 'leaks')), 'Input/output error')
  })

  it('makes the file long enough for a block behind its end', async () => {
    const images = await damaged([TABLE + 8, [0, 0, 0, 0, 0, 9, 0, 0]])
    const { lines } = await repair(images, 'all')
    assert.equal(lines[0], 'Repairing refcount block 1 is outside image')
    assert.equal(images.world.host.files.content('i').length, 10 * CLUSTER)
    await assertSound(images)
  })

  it('sets and takes the flags of sole references', async () => {
    const images = await damaged([L1, [0]], [L2, [0]])
    const { lines } = await repair(images, 'all')
    assert.deepEqual(lines, [
      'Repairing OFLAG_COPIED L2 cluster: l1_index=0 l1_entry=40000 refcount=1',
      'Repairing OFLAG_COPIED data cluster: l2_entry=50000 refcount=1',
    ])
    await assertSound(images)
  })

  it('keeps the zeroes of an entry whose storage is between clusters', async () => {
    const images = await damaged([L2 + 8, [0, 0, 0, 0, 0, 5, 2, 1]])
    const { lines } = await repair(images, 'all')
    assert.deepEqual(lines, [
      'Repairing offset=50200: Preallocated cluster is not properly aligned; L2 entry corrupted.',
    ])
    assert.deepEqual(
      [...images.world.host.files.content('i').subarray(L2 + 8, L2 + 16)],
      [0, 0, 0, 0, 0, 0, 0, 1],
    )
  })

  it('takes the marks away once nothing is wrong', async () => {
    const images = await damaged([MARKS, [DIRTY | CORRUPT]], count(DATA, 2))
    await repair(images, 'leaks')
    assert.equal(images.world.host.files.content('i')[MARKS], 0)
    await assertSound(images)
  })

  it('leaves the mark of corruption where something is wrong still', async () => {
    // An L2 table between clusters is nothing that it knows how to repair.
    const images = await damaged([MARKS, [CORRUPT]], [L1, [0x80, 0, 0, 0, 0, 4, 2, 0]])
    await repair(images, 'all')
    assert.equal((images.world.host.files.content('i')[MARKS] ?? 0) & CORRUPT, CORRUPT)
  })
})

describe('opening a qcow2 image that was not closed cleanly', () => {
  it('repairs it first', async () => {
    const images = await damaged([MARKS, [DIRTY]], count(DATA, 0))
    const user = await images.open('i')
    assert.equal(images.world.host.files.content('i')[MARKS], 0)
    assert.ok(images.world.log.includes('ERROR cluster 5 refcount=0 reference=1'))
    await images.close('i', user)
    await assertSound(images)
  })

  it('changes nothing where it is only read', async () => {
    const images = await damaged([MARKS, [DIRTY]], count(DATA, 0))
    const before = images.world.host.files.content('i')
    await images.world.graph.add({
      driver: 'qcow2',
      'node-name': 'i',
      'read-only': true,
      file: { driver: 'file', filename: 'i' },
    })
    assert.deepEqual(images.world.host.files.content('i'), before)
  })

  it('does not open one whose repair finds that it must not be written', async () => {
    // The L1 table lies where its new refcounts would be found free.
    const images = await damaged([MARKS, [DIRTY]], [TABLE, [0, 0, 0, 0, 0, 2, 2, 0]])
    assert.match(await refusal(() => images.open('i')), /Could not repair|Input\/output error/)
    assert.deepEqual(images.world.graph.dump(), { nodes: [], edges: [] })
  })
})
