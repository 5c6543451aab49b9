/** Bitmaps against a set of numbers, and the bytes that are hashed. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BitTree } from './bit-tree.ts'
import { Bitmap } from './bitmap.ts'

type Step =
  | { readonly kind: 'assign'; readonly from: number; readonly to: number; readonly value: boolean }
  | { readonly kind: 'resize'; readonly size: number }
  | { readonly kind: 'clear' }

/** Small ones, and such as need several levels. */
const place = fc.oneof(fc.nat(130), fc.nat(5000), fc.nat(200_000))
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: assignment(), weight: 8 },
  { arbitrary: place.map((size): Step => ({ kind: 'resize', size })), weight: 2 },
  { arbitrary: fc.constant<Step>({ kind: 'clear' }), weight: 1 },
)

function assignment(): fc.Arbitrary<Step> {
  return fc
    .record({ from: place, count: place, value: fc.boolean() })
    .map(({ from, count, value }): Step => ({ kind: 'assign', from, to: from + count, value }))
}

/** The same as a plain set. */
class Model {
  readonly bits = new Set<number>()
  size: number

  constructor(size: number) {
    this.size = size
  }

  play(step: Step): void {
    if (step.kind === 'clear') this.bits.clear()
    else if (step.kind === 'resize') {
      this.size = step.size
      for (const bit of [...this.bits]) if (bit >= step.size) this.bits.delete(bit)
    } else {
      for (let bit = step.from; bit < Math.min(step.to, this.size); bit += 1) {
        if (step.value) this.bits.add(bit)
        else this.bits.delete(bit)
      }
    }
  }

  next(from: number, value: boolean): number | undefined {
    for (let bit = from; bit < this.size; bit += 1) if (this.bits.has(bit) === value) return bit
    return undefined
  }
}

function play(tree: BitTree, step: Step): void {
  if (step.kind === 'clear') tree.clear()
  else if (step.kind === 'resize') tree.resize(step.size)
  else tree.assign(step.from, step.to, step.value)
}

function bytesOf(chunks: Iterable<Uint8Array>): Uint8Array {
  return Buffer.concat([...chunks])
}

describe('a tree of bits', () => {
  it('is a set of numbers', () => {
    fc.assert(
      fc.property(place, fc.array(step, { maxLength: 12 }), fc.array(place), (size, steps, ats) => {
        const tree = new BitTree(size)
        const model = new Model(size)
        for (const each of steps) {
          play(tree, each)
          model.play(each)
        }
        assert.equal(tree.count, model.bits.size)
        for (const at of ats) {
          assert.equal(tree.next(at, true), model.next(at, true))
          assert.equal(tree.next(at, false), model.next(at, false))
        }
      }),
      { numRuns: 150 },
    )
  })

  it('is written as 64-bit words, lowest bit first', () => {
    fc.assert(
      fc.property(place, fc.array(step, { maxLength: 6 }), (size, steps) => {
        const tree = new BitTree(size)
        const model = new Model(size)
        for (const each of steps) {
          play(tree, each)
          model.play(each)
        }
        const expected = new Uint8Array(Math.max(1, Math.ceil(model.size / 64)) * 8)
        for (const bit of model.bits) {
          expected[bit >> 3] = (expected[bit >> 3] ?? 0) | (1 << (bit & 7))
        }
        assert.deepEqual(Buffer.from(bytesOf(tree.serialise())), Buffer.from(expected))
      }),
      { numRuns: 60 },
    )
  })

  it('spans more bits than memory could hold one by one', () => {
    const tree = new BitTree(2 ** 50)
    tree.assign(2 ** 49, 2 ** 50, true)
    assert.equal(tree.count, 2 ** 49)
    assert.equal(tree.next(5, true), 2 ** 49)
    assert.equal(tree.next(2 ** 49 + 3, false), undefined)
  })

  it('leaves what was copied alone', () => {
    const tree = new BitTree(5000)
    tree.assign(100, 2000, true)
    const copied = tree.copy()
    tree.assign(0, 1500, false)
    assert.equal(copied.count, 1900)
  })
})

describe('a bitmap', () => {
  it('marks whole bits', () => {
    const bitmap = new Bitmap(1 << 20, 65536)
    bitmap.mark(65535, 2)
    assert.equal(bitmap.count, 131072)
    assert.deepEqual(bitmap.nextDirty(0, 1 << 20), { offset: 0, bytes: 131072 })
  })

  it('tells dirty runs inside a range', () => {
    const bitmap = new Bitmap(1 << 20, 512)
    bitmap.mark(1000, 100)
    assert.deepEqual(bitmap.nextDirty(600, 100), { offset: 600, bytes: 100 })
    assert.equal(bitmap.nextDirty(1536, 100), undefined)
  })

  it('ends dirty runs at the end of the disk', () => {
    const bitmap = new Bitmap(70144, 65536)
    bitmap.mark(70000, 1)
    assert.deepEqual(bitmap.nextDirty(0, 1 << 20), { offset: 65536, bytes: 4608 })
    assert.equal(bitmap.count, 65536)
  })

  it('merges another granularity byte by byte', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 9, max: 14 }),
        fc.integer({ min: 9, max: 14 }),
        fc.array(fc.record({ offset: fc.nat(199_999), bytes: fc.nat(9000) })),
        (ours, theirs, marks) => {
          const size = 200_192
          const target = new Bitmap(size, 2 ** ours)
          const source = new Bitmap(size, 2 ** theirs)
          const expected = new Set<number>()
          for (const { offset, bytes } of marks) {
            source.mark(offset, Math.min(bytes, size - offset))
          }
          for (let at = 0; at < size; at += 512) {
            if (source.nextDirty(at, 512)?.offset === at) expected.add(Math.floor(at / 2 ** ours))
          }
          target.merge(source)
          assert.equal(target.count, expected.size * 2 ** ours)
        },
      ),
    )
  })
})

describe('bits in an image', () => {
  it('come back from the words that they were put into', () => {
    const size = 1000 * 512 + 1
    const bits = fc.uniqueArray(fc.nat(1000))
    fc.assert(
      fc.property(bits, fc.nat(15), (marked, word) => {
        const [from, into] = [new Bitmap(size, 512), new Bitmap(size, 512)]
        for (const bit of marked) from.mark(bit * 512, 1)
        const start = word * 64 * 512
        const words = from.serialiseRange(start, size - start)
        assert.equal(words.length % 8, 0)
        into.deserialise(start, words)
        assert.equal(into.count, marked.filter((bit) => bit >= word * 64).length * 512)
      }),
    )
  })

  it('are found wherever they lie among many clean ones', () => {
    const size = 3000 * 8 * 512
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(3000 * 8 - 1), { maxLength: 4 }), (marked) => {
        const words = new Uint8Array(3000)
        for (const bit of marked) words[bit >> 3] = (words[bit >> 3] ?? 0) | (1 << (bit & 7))
        const bitmap = new Bitmap(size, 512)
        bitmap.deserialise(0, words)
        for (const bit of marked) assert.equal(bitmap.nextDirty(bit * 512, 512)?.bytes, 512)
        assert.equal(bitmap.count, marked.length * 512)
      }),
    )
  })
})
