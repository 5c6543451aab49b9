/** Packing and unpacking. The exact bytes were taken from images that QEMU 7.2 wrote. */
import assert from 'node:assert/strict'
import { systemCompression } from './compression.ts'
import { createPrng } from './sim/prng.ts'

const BYTES = 65536
const KINDS = ['deflate', 'zstd'] as const

function noise(bytes: number): Uint8Array {
  const pick = createPrng(1)
  return Uint8Array.from({ length: bytes }, () => pick(256))
}

describe('packing', () => {
  const known = {
    deflate: `edc1210100000080a0e0ffcf1e010a${'00'.repeat(63)}6a`,
    zstd: '28b52ffd6000ff5500001003030100fb7f1d6001',
  }
  for (const kind of KINDS) {
    const packing = systemCompression.packing(kind)

    it(`by ${kind} makes the bytes that the library makes`, () => {
      const packed = packing.pack(new Uint8Array(BYTES).fill(3), BYTES - 1)
      assert.ok(packed)
      assert.equal(Buffer.from(packed).toString('hex'), known[kind])
    })

    it(`by ${kind} gives back what went in, whatever follows it`, () => {
      for (const bytes of [512, 4096, BYTES, 2 ** 21]) {
        const data = noise(bytes).map((byte, index) => (index % 3 === 0 ? byte : 7))
        const packed = packing.pack(data, bytes - 1)
        assert.ok(packed)
        const found = packing.unpack(Buffer.concat([packed, noise(600)]), bytes)
        assert.ok(found)
        assert.equal(Buffer.compare(found, data), 0)
      }
    })

    it(`by ${kind} takes data from the middle of a buffer`, () => {
      const all = noise(3 * 512).fill(9, 512, 1024)
      const alone = packing.pack(new Uint8Array(512).fill(9), 511)
      assert.deepEqual(packing.pack(all.subarray(512, 1024), 511), alone)
    })

    it(`by ${kind} gives nothing where the data do not become small enough`, () => {
      assert.equal(packing.pack(noise(BYTES), BYTES - 1), undefined)
      assert.ok(packing.pack(new Uint8Array(BYTES), BYTES - 1), 'and goes on afterwards')
    })

    it(`by ${kind} finds damage`, () => {
      assert.equal(packing.unpack(noise(4096), BYTES), undefined)
      const packed = packing.pack(new Uint8Array(BYTES).fill(5), BYTES - 1)
      assert.ok(packed)
      assert.equal(packing.unpack(packed.subarray(0, packed.length - 3), BYTES), undefined)
      assert.equal(packing.unpack(packed, 2 * BYTES), undefined)
      assert.equal(packing.unpack(packed, BYTES / 2), undefined)
    })
  }
})
