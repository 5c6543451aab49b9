/** Tests of the patterns of the I/O language. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Pattern } from '../dsl/plan-io.ts'
import { findWrong, makePattern } from './pattern.ts'

const span = { file: 'x', start: 0, end: 0, line: 1, column: 1, endLine: 1, endColumn: 1 }

function make(pattern: Pattern, offset: number, bytes: number): number[] {
  return [...makePattern(pattern, offset, bytes, () => new Uint8Array())]
}

const LENGTHS = fc.nat(3000)

describe('patterns', () => {
  it('of a sequence count up from the start and wrap', () => {
    fc.assert(
      fc.property(fc.nat(255), LENGTHS, (start, bytes) => {
        const wanted = Array.from({ length: bytes }, (_, at) => (start + at) % 256)
        assert.deepEqual(make({ kind: 'seq', start, span }, 4096, bytes), wanted)
      }),
    )
  })

  it('of one byte are that byte, however many were asked for before', () => {
    const lengths = fc.array(fc.oneof(LENGTHS, fc.constantFrom(2 ** 20, 2 ** 20 + 1)), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), lengths, (byte, all) => {
        for (const bytes of all) {
          const made = makePattern({ kind: 'byte', byte, span }, 0, bytes, () => new Uint8Array())
          assert.equal(made.length, bytes)
          assert(made.every((each) => each === byte))
        }
      }),
      { numRuns: 20 },
    )
  })

  it('of hexadecimal digits repeat', () => {
    const pattern = { kind: 'hex', bytes: '01 02_ff', span } as const
    assert.deepEqual(make(pattern, 0, 7), [1, 2, 255, 1, 2, 255, 1])
  })

  it('of sectors say the number of each, wherever they are cut', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 50), LENGTHS, (offset, bytes) => {
        const wanted = Array.from({ length: bytes }, (_, at) => {
          const word = new DataView(new ArrayBuffer(8))
          word.setBigUint64(0, BigInt(Math.floor((offset + at) / 512)))
          return word.getUint8((offset + at) % 8)
        })
        assert.deepEqual(make({ kind: 'lba', span }, offset, bytes), wanted)
      }),
    )
  })

  it('of a seed are the same bytes wherever they are used', () => {
    const pattern = { kind: 'rand', seed: 7, span } as const
    assert.deepEqual(make(pattern, 0, 8), [254, 57, 121, 240, 224, 163, 106, 232])
    assert.deepEqual(make(pattern, 512, 4), [254, 57, 121, 240])
  })

  it('of one byte find the first other byte, wherever it is', () => {
    const pattern = { kind: 'byte', byte: 7, span } as const
    fc.assert(
      fc.property(fc.nat(300_000), fc.nat(300_000), (bytes, at) => {
        const data = new Uint8Array(bytes).fill(7)
        if (at < bytes) data[at] = 8
        const wanted = at < bytes ? { at, wanted: 7 } : undefined
        assert.deepEqual(
          findWrong(data, pattern, 0, 0, () => new Uint8Array()),
          wanted,
        )
      }),
      {
        examples: [
          [0, 0],
          [1, 0],
          [1, 1],
          [17, 16],
        ],
      },
    )
  })
})
