/** Images that are wrong: what opening and using them comes to. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ } from '../../block/permission.ts'
import { checked, refusal } from '../../graph/testing.ts'
import { damaged } from './testing.ts'

const SIZE = 1 << 20
const CLUSTER = 65536
const L1 = 3 * CLUSTER
const L2 = 4 * CLUSTER

describe('opening a damaged qcow2 image', () => {
  const REFUSED: readonly (readonly [
    what: string,
    offset: number,
    bytes: number[],
    text: string,
  ])[] = [
    ['magic', 0, [0], 'Image is not in qcow2 format'],
    ['version', 7, [9], 'Unsupported qcow2 version 9'],
    ['cluster bits', 23, [22], 'Unsupported cluster size: 2^22'],
    ['header length', 103, [8], 'qcow2 header too short'],
    ['refcount order', 99, [7], 'Reference count entry width too large; may not exceed 64 bits'],
    ['encryption', 35, [3], 'Unsupported encryption method 3'],
    ['L1 entries', 39, [0], 'L1 table is too small'],
    ['L1 offset', 47, [8], 'Active L1 table offset invalid'],
    ['refcount table', 59, [0], 'Image does not contain a reference count table'],
    ['corrupt bit', 79, [2], 'qcow2: Image is corrupt; cannot be opened read/write'],
    [
      'feature',
      72,
      [0x80],
      'Unsupported qcow2 feature(s): Unknown incompatible feature: 8000000000000000',
    ],
    ['compression', 104, [1], 'qcow2: Compression type incompatible feature bit must be set'],
    ['extension', 116, [1], 'Header extension too large'],
  ]
  for (const [what, offset, bytes, text] of REFUSED) {
    it(`names what is wrong: ${what}`, async () => {
      const images = await damaged([offset, bytes])
      assert.equal(await refusal(() => images.open('i')), text)
    })
  }
})

describe('using a damaged qcow2 image', () => {
  it('stops before a write hits the L1 table, tells once and marks the image', async () => {
    const images = await damaged([L2, [0x80, 0, 0, 0, 0, 3, 0, 0]])
    const user = await images.open('i')
    assert.equal(await refusal(() => user.write(0, new Uint8Array(CLUSTER))), 'Input/output error')
    assert.equal(await refusal(() => user.write(0, new Uint8Array(512))), 'No medium found')
    assert.deepEqual(images.world.events, [
      [
        'BLOCK_IMAGE_CORRUPTED',
        {
          device: '',
          'node-name': 'i',
          msg: 'Preventing invalid write on metadata (overlaps with active L1 table)',
          offset: L1,
          size: CLUSTER,
          fatal: true,
        },
      ],
    ])
    assert.equal(images.world.host.files.content('i')[79], 2)
  })

  it('takes no cluster for a new L2 table that the header lies in, and tells so', async () => {
    const images = await damaged([2 * CLUSTER, [0, 0]], [L1, Array<number>(8).fill(0)])
    const user = await images.open('i')
    assert.equal(await refusal(() => user.write(0, new Uint8Array(512))), 'Input/output error')
    assert.deepEqual(
      images.world.events.map(([event, { msg, fatal }]) => [event, msg, fatal]),
      [['BLOCK_IMAGE_CORRUPTED', 'Preventing invalid allocation of L2 table at offset 0', true]],
    )
  })

  it('is shown all the same where its counts are unreadable, which is told with all bits', async () => {
    const images = await damaged([CLUSTER, Array<number>(8).fill(0x8b)])
    const { graph } = images.world
    const node = await graph.add({
      driver: 'qcow2',
      'node-name': 'i',
      'read-only': true,
      backing: null,
      file: { driver: 'file', filename: 'i' },
    })
    const user = graph.attach(node, { uses: CONSISTENT_READ, shares: ALL_PERMISSIONS })
    const { data, allocated, bytes } = await user.status(0, SIZE)
    assert.deepEqual({ data, allocated, bytes }, { data: true, allocated: true, bytes: CLUSTER })
    assert.deepEqual(images.world.events, [
      [
        'BLOCK_IMAGE_CORRUPTED',
        {
          device: '',
          'node-name': 'i',
          msg: 'Refblock offset 0x8b8b8b8b8b8b8a00 unaligned (reftable index: 0)',
          offset: undefined,
          size: undefined,
          fatal: false,
        },
      ],
    ])
  })

  it('writes over it where the check is off', async () => {
    const images = await damaged([L2, [0x80, 0, 0, 0, 0, 3, 0, 0]])
    const user = await images.open('i', { 'overlap-check': 'none' })
    await user.write(0, new Uint8Array(512).fill(1))
    assert.equal(images.world.host.files.content('i')[L1], 1)
  })

  it('reports counts that are too low as qemu-img does', async () => {
    const images = await damaged([2 * CLUSTER + 11, [0]])
    await images.open('i')
    const { lines } = await checked(images.world.graph, 'i')
    assert.deepEqual(lines, [
      'ERROR cluster 5 refcount=0 reference=1',
      'ERROR OFLAG_COPIED data cluster: l2_entry=8000000000050000 refcount=0',
    ])
  })
})
