/** Walking over a bitmap that changes. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Bitmap } from './bitmap.ts'
import { DirtyCursor } from './cursor.ts'

const BIT = 65_536

function bitmapOf(bits: number, ...dirty: number[]): Bitmap {
  const bitmap = new Bitmap(bits * BIT, BIT)
  for (const bit of dirty) bitmap.mark(bit * BIT, 1)
  return bitmap
}

function rest(cursor: DirtyCursor): number[] {
  const seen: number[] = []
  for (let at = cursor.next(); at !== undefined; at = cursor.next()) seen.push(at / BIT)
  return seen
}

describe('a cursor over dirty bits', () => {
  it('meets each dirty bit once, in order, where nothing changes', () => {
    const bits = fc.uniqueArray(fc.nat(64 ** 2 * 3), { maxLength: 200 })
    fc.assert(
      fc.property(bits, fc.nat(64 ** 2), (dirty, from) => {
        const cursor = new DirtyCursor(bitmapOf(64 ** 2 * 3 + 1, ...dirty))
        cursor.restart(from * BIT)
        const expected = dirty.filter((bit) => bit >= from).sort((a, b) => a - b)
        assert.deepEqual(rest(cursor), expected)
      }),
    )
  })

  it('passes over what became clean before its turn', () => {
    const bitmap = bitmapOf(200, 1, 2, 70, 199)
    const cursor = new DirtyCursor(bitmap)
    assert.equal(cursor.next(), BIT)
    bitmap.unmark(2 * BIT, BIT)
    bitmap.unmark(70 * BIT, BIT)
    assert.deepEqual(rest(cursor), [199])
  })

  it('passes over what became dirty in the word that it is in', () => {
    const bitmap = bitmapOf(200, 1)
    const cursor = new DirtyCursor(bitmap)
    assert.equal(cursor.next(), BIT)
    bitmap.mark(3 * BIT, 1)
    assert.deepEqual(rest(cursor), [])
    cursor.restart(0)
    assert.deepEqual(rest(cursor), [1, 3])
  })

  it('meets what became dirty in a word that had something dirty when it set out', () => {
    const bitmap = bitmapOf(400, 1, 130)
    const cursor = new DirtyCursor(bitmap)
    bitmap.mark(70 * BIT, 1)
    bitmap.mark(131 * BIT, 1)
    assert.deepEqual(rest(cursor), [1, 130, 131])
  })

  it('ends at once where nothing is dirty', () => {
    assert.deepEqual(rest(new DirtyCursor(bitmapOf(1))), [])
  })
})
