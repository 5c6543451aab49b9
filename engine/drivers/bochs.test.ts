/** Tests of the disks of Bochs: what is in them, and headers that cannot be. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ALL_PERMISSIONS, CONSISTENT_READ } from '../block/permission.ts'
import { refusal, testWorld } from '../graph/testing.ts'
import { requestPaths } from '../io/paths.ts'
import { bochs } from './bochs.ts'
import { file } from './file/file.ts'

const SECTOR = 512
const CATALOG = 4
const EXTENT_SECTORS = 8
const SECTORS = CATALOG * EXTENT_SECTORS

interface Header {
  readonly type?: string
  readonly version?: number
  readonly catalogEntries?: number
  readonly bitmapBytes?: number
  readonly extentBytes?: number
  readonly bytes?: number
}

/** @param sectors - What each sector is filled with; nothing where the image does not have it. */
function imageOf(sectors: readonly (number | undefined)[], about: Header = {}): Uint8Array {
  const { type = 'Redolog', version = 0x2_0000, catalogEntries = CATALOG, bitmapBytes = 1 } = about
  const { extentBytes = EXTENT_SECTORS * SECTOR, bytes = SECTORS * SECTOR } = about
  const extents: Uint8Array[] = []
  const catalog = new DataView(new ArrayBuffer(CATALOG * 4))
  for (let index = 0; index < CATALOG; index++) {
    const own = sectors.slice(index * EXTENT_SECTORS, (index + 1) * EXTENT_SECTORS)
    const isThere = own.some((fill) => fill !== undefined)
    catalog.setUint32(index * 4, isThere ? extents.length : 0xffff_ffff, true)
    if (!isThere) continue
    const extent = new Uint8Array((1 + EXTENT_SECTORS) * SECTOR)
    for (const [at, fill] of own.entries()) {
      if (fill === undefined) continue
      extent[0] = (extent[0] ?? 0) | (1 << at)
      extent.fill(fill, (1 + at) * SECTOR, (2 + at) * SECTOR)
    }
    extents.push(extent)
  }
  const head = new Uint8Array(512)
  const put = (text: string, at: number): void =>
    void new TextEncoder().encodeInto(text, head.subarray(at))
  put('Bochs Virtual HD Image', 0)
  put(type, 32)
  put('Growing', 48)
  const view = new DataView(head.buffer)
  for (const [at, value] of [version, 512, catalogEntries, bitmapBytes, extentBytes].entries()) {
    view.setUint32(64 + at * 4, value, true)
  }
  view.setBigUint64(version === 0x1_0000 ? 84 : 88, BigInt(bytes), true)
  return Buffer.concat([head, new Uint8Array(catalog.buffer), ...extents])
}

function worldOf(image: Uint8Array) {
  const world = testWorld([file, bochs], requestPaths)
  world.host.files.put('disk', image)
  const open = (options: object = { 'read-only': true }) =>
    world.graph.add({
      driver: 'bochs',
      'node-name': 'b',
      file: { driver: 'file', filename: 'disk' },
      ...options,
    })
  return { ...world, open }
}

describe('a disk of Bochs', () => {
  for (const version of [0x1_0000, 0x2_0000]) {
    it(`has the sectors of its bitmaps, and zeroes (version ${version.toString(16)})`, () => {
      const fill = fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined })
      const drawn = fc.array(fill, { minLength: SECTORS, maxLength: SECTORS })
      const place = fc.tuple(fc.nat(SECTORS * SECTOR - 1), fc.integer({ min: 1, max: 5000 }))
      return fc.assert(
        fc.asyncProperty(drawn, place, async (sectors, [offset, bytes]) => {
          const { graph, open } = worldOf(imageOf(sectors, { version }))
          const user = graph.attach(await open(), {
            uses: CONSISTENT_READ,
            shares: ALL_PERMISSIONS,
          })
          assert.equal(user.length(), SECTORS * SECTOR)
          const model = Buffer.concat(sectors.map((each) => Buffer.alloc(SECTOR, each ?? 0)))
          const wanted = model.subarray(offset, offset + bytes)
          const into = new Uint8Array(wanted.length)
          await user.read(offset, into)
          assert.ok(wanted.equals(into))
        }),
        { numRuns: 50 },
      )
    })
  }

  it('is opened for reading alone', async () => {
    const { open } = worldOf(imageOf([1]))
    assert.equal(await refusal(() => open({})), 'Image is read-only')
    assert.equal((await open({ 'auto-read-only': true })).flags.readOnly, true)
  })

  const REFUSED: readonly (readonly [what: string, about: Header, text: string])[] = [
    ['another type', { type: 'Flat' }, 'Image not in Bochs format'],
    ['another version', { version: 0x3_0000 }, 'Image not in Bochs format'],
    ['a giant catalog', { catalogEntries: 0x10_0001 }, 'Catalog size is too large'],
    ['a small catalog', { catalogEntries: 3 }, 'Catalog size is too small for this disk size'],
    ['a small extent', { extentBytes: 0 }, 'Extent size must be at least 512'],
    ['an odd extent', { extentBytes: 1000 }, 'Extent size 1000 is not a power of two'],
    ['a giant extent', { extentBytes: 2 ** 24 }, 'Extent size 16777216 is too large'],
  ]
  for (const [what, about, text] of REFUSED) {
    it(`is refused with ${what}`, async () => {
      const { open } = worldOf(imageOf([1], about))
      assert.equal(await refusal(() => open()), text)
    })
  }
})
