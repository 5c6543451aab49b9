/** Tests of discards: which parts a driver is asked for, and what is forgiven. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Instance, Limits } from '../block/driver.ts'
import { refusal } from '../graph/testing.ts'
import { ioError } from '../util/errors.ts'
import { discardRange } from './discard.ts'

type Part = readonly [offset: number, bytes: number]

const NONE: Limits = {
  requestAlignment: 1,
  maxTransfer: 0,
  optimalTransfer: 0,
  zeroAlignment: 0,
  maxZero: 0,
  discardAlignment: 0,
  maxDiscard: 0,
}

/** The parts that a driver with these limits is asked for. */
async function partsOf(limits: Partial<Limits>, offset: number, bytes: number): Promise<Part[]> {
  const parts: Part[] = []
  const instance: Partial<Instance> = {
    discard: (at, count) => {
      parts.push([at, count])
    },
  }
  await discardRange(instance as Instance, { ...NONE, ...limits }, offset, bytes)
  return parts
}

describe('a discard', () => {
  it('is one for whole units that the driver takes at once', async () => {
    assert.deepEqual(await partsOf({ discardAlignment: 512 }, 512, 4096), [[512, 4096]])
  })

  it('has its ends apart where they fill no unit', async () => {
    assert.deepEqual(await partsOf({ discardAlignment: 4096 }, 1000, 9000), [
      [1000, 3096],
      [4096, 4096],
      [8192, 1808],
    ])
  })

  it('has blocks apart from less than a block', async () => {
    assert.deepEqual(await partsOf({ requestAlignment: 512, discardAlignment: 4096 }, 100, 8000), [
      [100, 412],
      [512, 3584],
      [4096, 3584],
      [7680, 420],
    ])
  })

  it('of nothing is none', async () => {
    assert.deepEqual(await partsOf({}, 100, 0), [])
  })

  it('covers its range once, in order, in parts that the driver takes', async () => {
    const limits = fc.record({
      requestAlignment: fc.constantFrom(1, 512, 4096),
      discardAlignment: fc.constantFrom(0, 512, 4096, 65536),
      maxDiscard: fc.constantFrom(0, 4096, 65536, 70_000),
    })
    await fc.assert(
      fc.asyncProperty(limits, fc.nat(200_000), fc.nat(200_000), async (about, offset, bytes) => {
        let at = offset
        for (const [from, count] of await partsOf(about, offset, bytes)) {
          assert.equal(from, at)
          assert(count > 0)
          const { maxDiscard, discardAlignment, requestAlignment } = about
          const unit = Math.max(discardAlignment, requestAlignment)
          if (maxDiscard > 0) assert(count <= Math.max(maxDiscard, unit))
          at += count
        }
        assert.equal(at, offset + bytes)
      }),
      { numRuns: 200 },
    )
  })

  const failing = (how: 'at once' | 'later', errno: 'ENOTSUP' | 'EIO'): Instance => {
    const discard = (): Promise<void> => {
      if (how === 'at once') throw ioError(errno)
      return Promise.reject(ioError(errno))
    }
    return { discard } as unknown as Instance
  }

  for (const how of ['at once', 'later'] as const) {
    it(`is forgiven what the driver cannot, refused ${how}`, async () => {
      await discardRange(failing(how, 'ENOTSUP'), NONE, 0, 512)
      await discardRange(failing(how, 'ENOTSUP'), { ...NONE, maxDiscard: 100 }, 0, 512)
    })

    it(`fails as the driver does, ${how}`, async () => {
      const text = await refusal(() => discardRange(failing(how, 'EIO'), NONE, 0, 512))
      assert.equal(text, 'Input/output error')
    })
  }
})
