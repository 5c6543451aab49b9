/** Images in use whose options, backing name or length change. */
import assert from 'node:assert/strict'
import { refusal } from '../../graph/testing.ts'
import { imageWorld, type ImageWorld } from './testing.ts'

const SIZE = 1 << 20
const CLUSTER = 65536
const DIRTY_BYTE = 79

async function opened(options: object = {}, version: 'v2' | 'v3' = 'v3') {
  const images = imageWorld()
  await images.create('i', { size: SIZE, version })
  const user = await images.open('i', options)
  const [node] = images.world.graph.nodes().filter(({ driver }) => driver.name === 'file')
  const reopen = (wanted: object) =>
    images.world.graph.reopen([
      { driver: 'qcow2', 'node-name': 'i', file: node?.name, backing: null, ...wanted },
    ])
  return { images, user, reopen }
}

function content({ world }: ImageWorld): Uint8Array {
  return world.host.files.content('i')
}

describe('reopening a qcow2 image', () => {
  const REFUSED: readonly (readonly [options: object, text: string])[] = [
    [
      { 'l2-cache-entry-size': 1000 },
      'L2 cache entry size must be a power of two between 512 and the cluster size (65536)',
    ],
    [
      { 'cache-size': 1, 'l2-cache-size': 1, 'refcount-cache-size': 1 },
      'cache-size, l2-cache-size and refcount-cache-size may not be set at the same time',
    ],
    [{ 'cache-size': 1, 'l2-cache-size': 2 }, 'l2-cache-size may not exceed cache-size'],
    [
      { encrypt: { format: 'luks' } },
      "No encryption in image header, but options specified format 'luks'",
    ],
  ]
  for (const [options, text] of REFUSED) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      const { reopen } = await opened()
      assert.equal(await refusal(() => reopen(options)), text)
    })
  }

  it('keeps what was written, with smaller tables too', async () => {
    const { user, reopen } = await opened()
    await user.write(CLUSTER, new Uint8Array(CLUSTER).fill(5))
    await reopen({ 'l2-cache-entry-size': 512, 'overlap-check': 'all' })
    const seen = new Uint8Array(CLUSTER)
    await user.read(CLUSTER, seen)
    assert.deepEqual(seen, new Uint8Array(CLUSTER).fill(5))
  })

  it('counts everything when refcounts are postponed no longer', async () => {
    const { images, user, reopen } = await opened({ 'lazy-refcounts': true })
    await user.write(0, new Uint8Array(CLUSTER).fill(5))
    assert.equal(content(images)[DIRTY_BYTE], 1)
    await reopen({ 'lazy-refcounts': false })
    assert.equal(content(images)[DIRTY_BYTE], 0)
  })

  it('cannot postpone refcounts of version 2', async () => {
    const { reopen } = await opened({}, 'v2')
    assert.equal(
      await refusal(() => reopen({ 'lazy-refcounts': true })),
      'Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility level',
    )
  })
})

describe('the backing name of a qcow2 image', () => {
  async function overlay(clusterBytes = CLUSTER): Promise<ImageWorld> {
    const images = imageWorld()
    await images.create('base', { size: SIZE })
    await images.create('i', { size: SIZE, 'cluster-size': clusterBytes })
    const file = { driver: 'file', filename: 'base' }
    await images.open('i', { backing: { driver: 'qcow2', 'read-only': true, file } })
    return images
  }
  const rename = ({ world }: ImageWorld, backingFile: string): Promise<void> =>
    world.graph.changeBackingFile({ device: 'i', image: 'i', backingFile })

  async function renamed(backingFile: string): Promise<ImageWorld> {
    const images = await overlay()
    await rename(images, backingFile)
    return images
  }
  const nameOffset = (images: ImageWorld): number =>
    Number(Buffer.from(content(images)).readBigUInt64BE(8))

  it('lies behind the extensions, with the format of the image itself', async () => {
    const images = await renamed('other')
    const bytes = Buffer.from(content(images))
    const at = nameOffset(images)
    assert.equal(bytes.toString('utf8', at, at + bytes.readUInt32BE(16)), 'other')
    assert.equal(bytes.toString('utf8', 120, 125), 'qcow2')
  })

  it('keeps its place where it becomes empty', async () => {
    const images = await renamed('')
    assert.equal(nameOffset(images), 0x210)
    assert.equal(Buffer.from(content(images)).readUInt32BE(16), 0)
  })

  it('is refused where the first cluster has no room', async () => {
    const name = 'x'.repeat(500)
    const images = await overlay(512)
    assert.equal(
      await refusal(() => rename(images, name)),
      `Could not change backing file to '${name}': No space left on device`,
    )
  })
})

describe('the length of a qcow2 image', () => {
  it('changes with all tables written out', async () => {
    const { images, user } = await opened()
    await user.write(0, new Uint8Array(4 * CLUSTER).fill(1))
    await user.truncate(CLUSTER, { exact: true })
    const bytes = Buffer.from(content(images))
    // The file ends with the one cluster that is left, and nothing else is counted.
    const counts = Array.from({ length: 8 }, (_, index) =>
      bytes.readUInt16BE(2 * CLUSTER + 2 * index),
    )
    assert.deepEqual(counts, [1, 1, 1, 1, 1, 1, 0, 0])
  })
})
