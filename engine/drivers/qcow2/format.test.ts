/** Tests of the pure parts of the format. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { WordTable } from '../../util/struct.ts'
import { COPIED, compressedPlace, kindAt, offsetAt, setEntry, ZERO } from './entry.ts'
import { describeUnknown, featureNameTable, FEATURE_ENTRY } from './feature-names.ts'
import { geometryOf } from './geometry.ts'
import { refcountMetadata } from './refcount-size.ts'
import { refcountCodec } from './refcount-width.ts'

describe('qcow2 entries', () => {
  it('keep any aligned offset below 2^56 exactly, beside their flags', () => {
    const table = new WordTable(new Uint8Array(16))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 47 - 1 }), fc.boolean(), (sectors, zero) => {
        const offset = sectors * 512
        setEntry(table, 1, offset, COPIED, zero ? ZERO : 0)
        assert.equal(offsetAt(table, 1), offset)
        assert.equal(kindAt(table, 1), zero ? 'zero-allocated' : 'normal')
        assert.equal(table.exact(1) >> 63n, 1n)
        assert.equal(table.exact(0), 0n)
      }),
    )
  })

  const KINDS = [
    [0n, 'unallocated'],
    [1n, 'zero'],
    [0x8000_0000_0005_0000n, 'normal'],
    [0x8000_0000_0005_0001n, 'zero-allocated'],
    [0x4000_0000_0005_0000n, 'compressed'],
    [0x8000_0000_0000_0000n, 'unallocated'],
  ] as const
  for (const [entry, kind] of KINDS) {
    it(`of value ${entry.toString(16)} are ${kind}`, () => {
      const table = new WordTable(new Uint8Array(8))
      table.setExact(0, entry)
      assert.equal(kindAt(table, 0), kind)
    })
  }

  it('of compressed clusters count whole sectors from the one that the data begins in', () => {
    const geometry = geometryOf(3, 16, 4)
    const shift = BigInt(geometry.compressedSizeShift)
    const entry = (1n << 62n) | (3n << shift) | 0x50010n
    assert.deepEqual(compressedPlace(geometry, entry), {
      offset: 0x50010,
      exact: 0x50010n,
      bytes: 4 * 512 - 0x10,
    })
  })
})

describe('tables of words', () => {
  it('find the next word that is not zero, in whichever half', () => {
    const table = new WordTable(new Uint8Array(5 * 8))
    table.set(1, 0, 1)
    table.set(3, 1, 0)
    const found = [0, 1, 2, 3, 4, 5].map((from) => table.nextSet(from))
    assert.deepEqual(found, [1, 1, 3, 3, 5, 5])
  })
})

describe('qcow2 refcounts', () => {
  for (let order = 0; order <= 6; order++) {
    const bits = 2 ** order
    it(`of ${String(bits)} bits come back and leave their neighbours alone`, () => {
      const codec = refcountCodec(order)
      const max = Math.min(2 ** bits - 1, Number.MAX_SAFE_INTEGER)
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 0, max }), { minLength: 64, maxLength: 64 }),
          (counts) => {
            const block = new Uint8Array((64 * bits) / 8)
            counts.forEach((count, index) => {
              codec.set(block, index, count)
            })
            assert.deepEqual(
              counts.map((_, index) => codec.get(block, index)),
              counts,
            )
          },
        ),
        { numRuns: 20 },
      )
    })
  }

  it('narrower than a byte fill it from its low end', () => {
    const block = new Uint8Array(1)
    refcountCodec(1).set(block, 1, 2)
    assert.equal(block[0], 0b1000)
  })

  it('take room that counts itself too', () => {
    const geometry = geometryOf(3, 9, 4)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e7 }), (clusters) => {
        const { blocks, tableClusters } = refcountMetadata(geometry, clusters, false)
        assert.ok(blocks * geometry.refcountsPerBlock >= clusters + blocks + tableClusters)
        assert.ok(tableClusters * 64 >= blocks)
      }),
    )
  })
})

describe('qcow2 features', () => {
  it('have 48 bytes each in the table of names', () => {
    assert.equal(featureNameTable().length, 8 * FEATURE_ENTRY.size)
  })
  it('that nobody knows are named by the table, or by their bits', () => {
    const table = FEATURE_ENTRY.encode({ kind: 0, bit: 62, name: 'test feature' })
    assert.equal(
      describeUnknown((1n << 62n) | (1n << 40n), table),
      'test feature, Unknown incompatible feature: 10000000000',
    )
  })
})
