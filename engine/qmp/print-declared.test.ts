/** A result is printed the same way, whether its order was worked out before or not. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { opt, shape, type Schema } from '../block/option.ts'
import { PrintedJson, printJson } from '../util/json.ts'
import { inDeclaredOrder, type Shown } from './declared-order.ts'
import { printDeclared } from './print-declared.ts'

const INNER: Schema = shape.struct('Inner', {
  offset: opt.str({ doc: '' }),
  bytes: opt.str({ doc: '', features: ['unstable'] }),
})

const UNION: Schema = {
  kind: 'union',
  name: 'Outer',
  tag: 'type',
  base: { type: opt.str({ doc: '' }), name: opt.str({ doc: '' }) },
  variants: { a: { inner: opt.of({ kind: 'later', schema: () => INNER })({ doc: '' }) }, b: {} },
}

const innerValues = fc.record(
  {
    offset: fc.string(),
    bytes: fc.string(),
    undeclared: fc.integer(),
    none: fc.constant(undefined),
  },
  { requiredKeys: [] },
)

const values = fc.array(
  fc.record(
    {
      type: fc.constantFrom('a', 'b', 'c'),
      name: fc.string(),
      inner: innerValues,
      more: fc.boolean(),
    },
    { requiredKeys: ['type'] },
  ),
)

describe('printing by declaration', () => {
  const shownOnes: readonly (readonly [string, Shown | undefined])[] = [
    ['all members', undefined],
    ['what is stable', ({ features }) => features === undefined],
  ]
  for (const [what, shown] of shownOnes) {
    it(`gives what ordering and printing give: ${what}`, () => {
      fc.assert(
        fc.property(values, (list) => {
          const schema: Schema = { kind: 'list', of: UNION }
          assert.equal(
            printDeclared(schema, list, shown),
            printJson(inDeclaredOrder(schema, list, shown)),
          )
        }),
      )
    })
  }

  it('takes in what is printed already', () => {
    assert.equal(printDeclared(INNER, new PrintedJson('{"x": 1}')), '{"x": 1}')
  })

  it('prints values of another kind than the declared one as they are', () => {
    assert.equal(printDeclared({ kind: 'list', of: INNER }, 7), '7')
    assert.equal(printDeclared(INNER, [1]), '[1]')
  })
})
