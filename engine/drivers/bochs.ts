/**
 * `bochs`: disk images of the Bochs emulator, of its growing kinds, read-only. A catalog tells where
 * each extent is; an extent begins with a bitmap of the sectors that it has. What is not there reads
 * as zeroes. All integers are little-endian. Source: the format as Bochs documents it, texts and
 * limits observed on QEMU 7.2.
 */
import { defineDriver, type Child } from '../block/driver.ts'
import { CONSISTENT_READ, WRITE_UNCHANGED } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { le32, le64, paddedText, reserved, struct } from '../util/struct.ts'

const MAGIC = 'Bochs Virtual HD Image'
const TYPE = 'Redolog'
const SUBTYPE = 'Growing'
const SECTOR = 512
const NOWHERE = 0xffff_ffff
const MAX_CATALOG_ENTRIES = 0x10_0000
const MAX_EXTENT_BYTES = 0x80_0000

const HEADER = struct(84, {
  magic: paddedText(0, 32),
  type: paddedText(32, 16),
  subtype: paddedText(48, 16),
  version: le32(64),
  /** Where the catalog begins. */
  headerBytes: le32(68),
  catalogEntries: le32(72),
  /** Bytes, of one extent. */
  bitmapBytes: le32(76),
  extentBytes: le32(80),
})

/** Bytes of the disk, behind the header, by its version. */
const SIZES = {
  [0x1_0000]: struct(8, { bytes: le64(0) }),
  [0x2_0000]: struct(12, { reserved: reserved(0, 4), bytes: le64(4) }),
} as const

/** Of the catalog. */
const ENTRY = struct(4, { extent: le32(0) })

const HEAD_BYTES = 512

interface Layout {
  readonly bytes: number
  /** Where each extent is, counted in extents. */
  readonly catalog: Uint32Array
  /** Where the extents begin. */
  readonly dataOffset: number
  readonly bitmapSectors: number
  readonly extentSectors: number
}

export const bochs = defineDriver({
  name: 'bochs',
  kind: 'format',
  doc: 'Disk images of the Bochs emulator, to be read.',
  options: {},
  children: {
    file: { doc: 'The node with the image.', role: { data: true, metadata: true, primary: true } },
  },
  claims: ({ above }) => ({
    uses: above.uses | CONSISTENT_READ,
    shares: above.shares & (CONSISTENT_READ | WRITE_UNCHANGED),
  }),
  probe: (head) => (isBochs(head) ? 100 : 0),
  check({ node }) {
    if (!node.flags.readOnly) node.fallBackToReadOnly('Image is read-only')
  },
  async open({ children }) {
    const file = children.get('file')
    assert(file !== undefined, 'bochs opens with its file attached')
    const layout = await readLayout(file)
    return {
      length: () => layout.bytes,
      limits: () => ({ requestAlignment: SECTOR }),
      read: (offset, into) => readSectors(file, layout, offset, into),
      write() {
        throw ioError('EPERM')
      },
    }
  },
})

function isBochs(head: Uint8Array): boolean {
  if (head.length < HEAD_BYTES) return false
  const { magic, type, subtype, version } = HEADER.decode(head)
  return magic === MAGIC && type === TYPE && subtype === SUBTYPE && version in SIZES
}

/** @throws {BlockError} in QEMU's words for what is no such image, or an impossible one. */
async function readLayout(file: Child): Promise<Layout> {
  const head = new Uint8Array(HEAD_BYTES)
  await file.read(0, head)
  if (!isBochs(head)) throw new BlockError('Image not in Bochs format', { errno: 'EINVAL' })
  const { version, headerBytes, catalogEntries, bitmapBytes, extentBytes } = HEADER.decode(head)
  const size = SIZES[version as keyof typeof SIZES].decode(head, HEADER.size)
  const sectors = size.bytes / BigInt(SECTOR)
  if (catalogEntries > MAX_CATALOG_ENTRIES) throw new BlockError('Catalog size is too large')
  const stored = new Uint8Array(catalogEntries * ENTRY.size)
  await file.read(headerBytes, stored)
  if (extentBytes < SECTOR) throw new BlockError('Extent size must be at least 512')
  if ((extentBytes & (extentBytes - 1)) !== 0) {
    throw new BlockError(`Extent size ${String(extentBytes)} is not a power of two`)
  }
  if (extentBytes > MAX_EXTENT_BYTES) {
    throw new BlockError(`Extent size ${String(extentBytes)} is too large`)
  }
  const extentSectors = extentBytes / SECTOR
  const each = BigInt(extentSectors)
  if (BigInt(catalogEntries) < (sectors + each - 1n) / each) {
    throw new BlockError('Catalog size is too small for this disk size')
  }
  return {
    bytes: Number(sectors) * SECTOR,
    catalog: Uint32Array.from(
      { length: catalogEntries },
      (_, at) => ENTRY.decode(stored, at * ENTRY.size).extent,
    ),
    dataOffset: headerBytes + stored.length,
    // As 32 bits have it: none is as many as there can be.
    bitmapSectors: 1 + Math.floor(((bitmapBytes - 1) >>> 0) / SECTOR),
    extentSectors,
  }
}

async function readSectors(
  file: Child,
  layout: Layout,
  offset: number,
  into: Uint8Array,
): Promise<void> {
  for (let done = 0; done < into.length; done += SECTOR) {
    const sector = into.subarray(done, done + SECTOR)
    const place = await findSector(file, layout, offset + done)
    if (place === undefined) sector.fill(0)
    else await file.read(place, sector)
  }
}

/** Where a sector is in the file, if it is there. */
async function findSector(
  file: Child,
  { catalog, dataOffset, bitmapSectors, extentSectors }: Layout,
  offset: number,
): Promise<number | undefined> {
  const index = Math.floor(offset / SECTOR / extentSectors)
  const within = (offset / SECTOR) % extentSectors
  const extent = catalog[index] ?? NOWHERE
  if (extent === NOWHERE) return undefined
  const start = dataOffset + SECTOR * extent * (extentSectors + bitmapSectors)
  // What no number keeps exactly is past the end of any file.
  if (!Number.isSafeInteger(start + SECTOR * (bitmapSectors + within + 1))) {
    if (start >= 2 ** 63) throw ioError('EIO')
    return undefined
  }
  const bits = new Uint8Array(1)
  await file.read(start + (within >> 3), bits)
  if ((((bits[0] ?? 0) >> (within & 7)) & 1) === 0) return undefined
  return start + SECTOR * (bitmapSectors + within)
}
