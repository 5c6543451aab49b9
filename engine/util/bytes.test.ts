/** Tests of byte arrays. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { alignDown, alignUp, isAligned } from './align.ts'
import { firstDifference, isSame, isZero } from './bytes.ts'

describe('byte arrays', () => {
  it('are zero exactly when every byte is, wherever they start', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(9), fc.boolean(), (data, skip, wipe) => {
        if (wipe) data.fill(0)
        const part = data.subarray(Math.min(skip, data.length))
        assert.equal(
          isZero(part),
          part.every((byte) => byte === 0),
        )
      }),
    )
  })

  it('are zero or not beyond what is compared at once', () => {
    const data = new Uint8Array(200_000)
    assert.ok(isZero(data))
    for (const at of [0, 65_535, 65_536, 199_999]) {
      data[at] = 1
      assert.ok(!isZero(data))
      assert.equal(firstDifference(data, new Uint8Array(200_000)), at)
      data[at] = 0
    }
    assert.ok(isZero(new Uint8Array(0)))
  })

  it('say where they first differ', () => {
    assert.equal(firstDifference(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 9, 9)), 1)
    assert.equal(firstDifference(Uint8Array.of(1, 2), Uint8Array.of(1, 2)), undefined)
    assert.ok(isSame(Uint8Array.of(7), Uint8Array.of(7)))
  })
})

describe('alignment', () => {
  it('rounds to the nearest multiple below and above', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 1 << 20 }), (value, unit) => {
        const below = alignDown(value, unit)
        const above = alignUp(value, unit)
        assert.ok(isAligned(below, unit) && isAligned(above, unit))
        assert.ok(below <= value && value - below < unit)
        assert.ok(above >= value && above - value < unit)
      }),
    )
  })
})
