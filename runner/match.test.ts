/** Claims about values: what holds, and which leaf is to blame when it does not. */
import assert from 'node:assert/strict'
import type { Value } from '../dsl/plan.ts'
import { assign, mismatches } from './match.ts'
import { matchOf, textAt, withSteps } from './test-plan.ts'

/** The text of each leaf that is blamed. */
function blamed(claim: string, value: Value | undefined): string[] {
  const text = withSteps(`- qmp: {query-block: {}}\n  return: ${claim}`)
  return mismatches(matchOf(claim), value, () => undefined).map(({ span }) => textAt(span, text))
}

const NODES = [
  { 'node-name': 'a', ro: false, size: 65536, bitmaps: [{ name: 'b0', count: 3 }] },
  { 'node-name': 'b', ro: true, size: 1048576 },
]

describe('a claim about a value', () => {
  for (const [claim, value] of [
    ['{a: 1}', { a: 1, b: 2 }],
    ['{a: 64k}', { a: 65536 }],
    ['{a: ~ 1..4}', { a: 4 }],
    ['{a: ~ >= 2}', { a: 2n ** 63n }],
    ['{a: ~ absent}', { b: 1 }],
    ['{a: "~ /^x.z$/"}', { a: 'xyz' }],
    ['{a: ~ about 100 5%}', { a: 104 }],
    ['{a: ~ type int}', { a: 3 }],
    ['{a: ~ not null}', { a: false }],
    ['{a: ~ 1 | 2}', { a: 2 }],
    ['[1, 2]', [1, 2]],
    ['"~ set [2, 1]"', [1, 2]],
    ['"~ has [2]"', [1, 2, 3]],
    ['"~ count 2"', [1, 2]],
    ['"~ exact {a: 1}"', { a: 1 }],
    ['"~ has [{node-name: b, ro: true}]"', NODES],
  ] as const) {
    it(`holds: ${claim}`, () => {
      assert.deepEqual(blamed(claim, value as Value), [])
    })
  }

  for (const [claim, value, leaf] of [
    ['{a: 1}', { a: 2 }, '1'],
    ['{a: 1}', { b: 1 }, 'a'],
    ['{a: {b: [x, y]}}', { a: { b: ['x', 'z'] } }, 'y'],
    ['[1, 2]', [1, 2, 3], '[1, 2]'],
    ['[{n: a}, {n: b}]', [{ n: 'a' }, { n: 'c' }], 'b'],
    ['{a: true}', { a: 'true' }, 'true'],
    ['{a: "1"}', { a: 1 }, '"1"'],
    ['{a: null}', { a: 0 }, 'null'],
  ] as const) {
    it(`blames ${leaf} of ${claim}`, () => {
      assert.deepEqual(blamed(claim, value as Value), [leaf])
    })
  }

  it('blames the leaf inside the element that fits best', () => {
    assert.deepEqual(blamed('"~ has [{node-name: b, ro: false, size: 1M}]"', NODES), ['false'])
    assert.deepEqual(blamed('"~ has [{node-name: c, ro: true, size: 1M}]"', NODES), ['c'])
  })

  it('blames a set that has too few claims', () => {
    assert.equal(blamed('"~ set [1]"', [1, 2]).length, 1)
  })

  it('does not let one element serve two claims', () => {
    assert.equal(blamed('"~ set [1, 1]"', [1, 2]).length, 1)
  })

  it('says what it expected and what it got', () => {
    const [mismatch] = mismatches(matchOf('{a: 64k}'), { a: 512 }, () => undefined)
    assert.equal(mismatch?.message, 'expected 64k, got 512')
  })
})

describe('a pairing', () => {
  it('is as large as it can be', () => {
    const pairs = assign([
      [true, true],
      [true, false],
    ])
    assert.deepEqual([...pairs].sort(), [
      [0, 1],
      [1, 0],
    ])
  })
})
