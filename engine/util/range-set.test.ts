/** Sets of ranges against plain sets. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RangeSet } from './range-set.ts'

const SPAN = 40
const place = fc.nat(SPAN)
const step = fc.record({ kind: fc.constantFrom('add', 'remove'), from: place, to: place })

describe('a set of ranges', () => {
  it('is a set of numbers', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), place, place, (steps, from, to) => {
        const set = new RangeSet()
        const model = new Set<number>()
        for (const { kind, from: start, to: end } of steps) {
          if (kind === 'add') set.add(start, end)
          else set.remove(start, end)
          for (let at = start; at < end; at++) {
            if (kind === 'add') model.add(at)
            else model.delete(at)
          }
        }
        const wanted = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
        assert.equal(set.count, model.size)
        assert.equal(
          set.covers(from, to),
          wanted.every((at) => model.has(at)),
        )
        const first = wanted.find((at) => model.has(at))
        const gap = wanted.find((at) => first !== undefined && at > first && !model.has(at))
        assert.deepEqual(
          set.next(from, to),
          first === undefined ? undefined : { from: first, to: gap ?? to },
        )
      }),
    )
  })
})
