/** Checks of options: each of QEMU's texts, and which of several complaints comes first. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Json } from '../util/json.ts'
import { checkMembers, withDefaults } from './check.ts'
import type { Members } from './option.ts'
import { opt, shape } from './option.ts'
import { parseSize } from './size.ts'
import { firstUndeclared } from './undeclared.ts'

const MEMBERS: Members = {
  name: opt.str({ doc: '' }),
  flag: opt.bool({ optional: true, doc: '' }),
  signed: opt.int({ optional: true, doc: '' }),
  unsigned: opt.uint64({ optional: true, doc: '' }),
  narrow: opt.uint32({ optional: true, doc: '' }),
  small: opt.int32({ optional: true, doc: '' }),
  size: opt.size({ optional: true, doc: '' }),
  number: opt.number({ optional: true, doc: '' }),
  mode: opt.enum('Mode', ['on', 'off'])({ optional: true, doc: '' }),
  modes: opt.list(shape.enum('Mode', ['on', 'off']))({ optional: true, doc: '' }),
  inner: opt.of(shape.struct('Inner', { deep: opt.uint32({ optional: true, doc: '' }) }))({
    optional: true,
    doc: '',
  }),
  reference: opt.of({
    kind: 'alternate',
    name: 'Reference',
    branches: [shape.str, shape.struct('Inner', { deep: opt.int({ doc: '' }) })],
  })({ optional: true, doc: '' }),
  references: opt.list({ kind: 'alternate', name: 'Reference', branches: [shape.str] })({
    optional: true,
    doc: '',
  }),
  items: opt.list(shape.struct('Item', { id: opt.str({ doc: '' }) }))({ optional: true, doc: '' }),
  address: opt.of({
    kind: 'union',
    name: 'Address',
    tag: 'type',
    base: { type: opt.enum('AddressType', ['unix', 'inet'])({ doc: '' }) },
    variants: { unix: { path: opt.str({ doc: '' }) }, inet: { port: opt.str({ doc: '' }) } },
  })({ optional: true, doc: '' }),
}

/** Plain data as a parser gives it. */
function json(value: unknown): Json {
  if (Array.isArray(value)) return value.map(json)
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([name, member]) => [name, json(member)]))
  }
  // Nothing else occurs in the tables below.
  return value as Json
}

const JSON_TEXTS: readonly (readonly [given: object, message: string])[] = [
  [{}, "Parameter 'name' is missing"],
  [{ name: 1 }, "Invalid parameter type for 'name', expected: string"],
  [{ name: null }, "Invalid parameter type for 'name', expected: string"],
  [{ name: 'a', bogus: 1 }, "Parameter 'bogus' is unexpected"],
  [{ name: 'a', flag: 'on' }, "Invalid parameter type for 'flag', expected: boolean"],
  [{ name: 'a', signed: '1' }, "Invalid parameter type for 'signed', expected: integer"],
  [{ name: 'a', signed: 1.5 }, "Invalid parameter type for 'signed', expected: integer"],
  [{ name: 'a', signed: 2n ** 63n }, "Invalid parameter type for 'signed', expected: integer"],
  [{ name: 'a', unsigned: 'x' }, "Parameter 'unsigned' expects uint64"],
  [{ name: 'a', size: 'x' }, "Parameter 'size' expects uint64"],
  [{ name: 'a', narrow: 'x' }, "Parameter 'narrow' expects uint64"],
  [{ name: 'a', narrow: 2 ** 32 }, "Parameter 'narrow' expects uint32_t"],
  [{ name: 'a', narrow: -1 }, "Parameter 'narrow' expects uint32_t"],
  [{ name: 'a', small: 2 ** 31 }, "Parameter 'small' expects int32_t"],
  [{ name: 'a', number: 'x' }, "Invalid parameter type for 'number', expected: number"],
  [{ name: 'a', mode: 'x' }, "Parameter 'mode' does not accept value 'x'"],
  [{ name: 'a', mode: 1 }, "Invalid parameter type for 'mode', expected: string"],
  [{ name: 'a', modes: 'on' }, "Invalid parameter type for 'modes', expected: array"],
  [{ name: 'a', modes: ['x'] }, "Parameter 'null' does not accept value 'x'"],
  [{ name: 'a', modes: [1] }, "Invalid parameter type for 'modes[0]', expected: string"],
  [{ name: 'a', inner: 1 }, "Invalid parameter type for 'inner', expected: object"],
  [{ name: 'a', inner: { x: 1 } }, "Parameter 'inner.x' is unexpected"],
  [{ name: 'a', inner: { deep: 'x' } }, "Parameter 'inner.deep' expects uint64"],
  [{ name: 'a', inner: { deep: -1 } }, "Parameter 'deep' expects uint32_t"],
  [{ name: 'a', reference: 1 }, "Invalid parameter type for 'reference', expected: Reference"],
  [{ name: 'a', reference: null }, "Invalid parameter type for 'reference', expected: Reference"],
  [{ name: 'a', reference: {} }, "Parameter 'reference.deep' is missing"],
  [{ name: 'a', references: [1] }, "Invalid parameter type for 'null', expected: Reference"],
  [{ name: 'a', items: [{ id: 'x' }, {}] }, "Parameter 'items[1].id' is missing"],
  [{ name: 'a', items: [1] }, "Invalid parameter type for 'items[0]', expected: object"],
  [{ name: 'a', address: {} }, "Parameter 'address.type' is missing"],
  [{ name: 'a', address: { type: 'x' } }, "Parameter 'type' does not accept value 'x'"],
  [{ name: 'a', address: { type: 'unix' } }, "Parameter 'address.path' is missing"],
  [
    { name: 'a', address: { type: 'unix', path: 'p', port: '1' } },
    "Parameter 'address.port' is unexpected",
  ],
  // Declared members come in their order, undeclared ones last, nested ones in their place.
  [{ bogus: 1, flag: 1 }, "Parameter 'name' is missing"],
  [{ name: 'a', mode: 'x', bogus: 1 }, "Parameter 'mode' does not accept value 'x'"],
  [{ name: 'a', bogus: 1, inner: { x: 1 } }, "Parameter 'inner.x' is unexpected"],
]

const KEYVAL_TEXTS: readonly (readonly [given: object, message: string])[] = [
  [{ name: 'a', flag: 'x' }, "Parameter 'flag' expects 'on' or 'off'"],
  [{ name: 'a', flag: 'ON' }, "Parameter 'flag' expects 'on' or 'off'"],
  [{ name: 'a', signed: 'x' }, "Parameter 'signed' expects integer"],
  [{ name: 'a', signed: '' }, "Parameter 'signed' expects integer"],
  [{ name: 'a', signed: '08' }, "Parameter 'signed' expects integer"],
  [{ name: 'a', signed: '1 ' }, "Parameter 'signed' expects integer"],
  [{ name: 'a', signed: '9223372036854775808' }, "Parameter 'signed' expects integer"],
  [{ name: 'a', unsigned: '18446744073709551616' }, "Parameter 'unsigned' expects integer"],
  [{ name: 'a', narrow: '4294967296' }, "Parameter 'narrow' expects uint32_t"],
  [{ name: 'a', size: '1x' }, "Parameter 'size' expects a non-negative number below 2^64"],
  [{ name: 'a', inner: 'x' }, "Invalid parameter type for 'inner', expected: object"],
  [{ name: 'a', items: [{ id: 'x', z: '1' }] }, "Parameter 'items.0.z' is unexpected"],
]

describe('checked members', () => {
  for (const [given, message] of JSON_TEXTS) {
    it(`in JSON, refuse: ${message}`, () => {
      assert.throws(() => checkMembers(MEMBERS, json(given)), { message })
    })
  }

  for (const [given, message] of KEYVAL_TEXTS) {
    it(`on a command line, refuse: ${message}`, () => {
      assert.throws(() => checkMembers(MEMBERS, json(given), 'keyval'), { message })
    })
  }

  it('keep just what was given', () => {
    const given = { name: 'a', flag: false, inner: { deep: 4 }, modes: ['on'] }
    assert.deepEqual(checkMembers(MEMBERS, json(given)), given)
  })

  it('give strings of a command line their meaning', () => {
    const given = json({
      name: 'a',
      flag: 'y',
      signed: '-0x10',
      size: '1.5k',
      inner: { deep: '7' },
    })
    assert.deepEqual(checkMembers(MEMBERS, given, 'keyval'), {
      name: 'a',
      flag: true,
      signed: -16,
      size: 1536,
      inner: { deep: 7 },
    })
  })

  it('let an unsigned member wrap, as the negative number with the same bits', () => {
    const given = json({ name: 'a', unsigned: -1, size: 2n ** 64n - 2n })
    assert.deepEqual(checkMembers(MEMBERS, given), { name: 'a', unsigned: -1, size: -2 })
  })

  it('give the nearest number to what no number can hold', () => {
    const given = json({ name: 'a', signed: 2n ** 53n + 1n })
    assert.deepEqual(checkMembers(MEMBERS, given), { name: 'a', signed: 2 ** 53 })
  })

  it('take no inherited name for a declared one', () => {
    assert.throws(
      () =>
        checkMembers(
          MEMBERS,
          new Map([
            ['name', 'a'],
            ['toString', 'b'],
          ]),
        ),
      {
        message: "Parameter 'toString' is unexpected",
      },
    )
  })

  it('get their defaults only where nothing was given', () => {
    const members = {
      a: opt.int({ default: 1, doc: '' }),
      b: opt.int({ default: 2, doc: '' }),
      c: opt.int({ optional: true, doc: '' }),
    }
    assert.deepEqual(withDefaults(members, { b: 0 }), { a: 1, b: 0 })
  })
})

describe('the undeclared member that is named', () => {
  const CASES: readonly (readonly [given: string, first: string])[] = [
    ['z y', 'z'],
    ['y z', 'z'],
    ['foo bar baz', 'baz'],
    ['foo bar', 'bar'],
    ['a bb ccc', 'bb'],
  ]
  for (const [given, first] of CASES) {
    it(`of ${given} is ${first}`, () => {
      assert.equal(firstUndeclared(['driver', 'node-name'], ['driver', ...given.split(' ')]), first)
    })
  }

  it('is always one of those that nobody declared', () => {
    const names = fc.uniqueArray(fc.string({ maxLength: 6 }), { maxLength: 40 })
    fc.assert(
      fc.property(names, names, (declared, given) => {
        const undeclared = given.filter((name) => !declared.includes(name))
        const first = firstUndeclared(declared, given)
        assert.equal(first === undefined, undeclared.length === 0)
        assert.ok(first === undefined || undeclared.includes(first))
      }),
      { numRuns: 200 },
    )
  })
})

describe('a size', () => {
  const SIZES: readonly (readonly [text: string, bytes: bigint | undefined])[] = [
    ['0', 0n],
    ['512', 512n],
    ['1k', 1024n],
    ['1.5K', 1536n],
    ['0x10', 16n],
    ['15E', 15n << 60n],
    ['16E', undefined],
    ['1Q', undefined],
    ['-1', undefined],
    ['', undefined],
    ['0x10k', 16384n],
    ['1.0', 1n],
    ['1.5', undefined],
    ['0x1.8k', undefined],
    ['1.9999999999999999999k', 1024n],
    ['k', undefined],
  ]
  for (const [text, bytes] of SIZES) {
    it(`${JSON.stringify(text)} is ${String(bytes)}`, () => {
      assert.equal(parseSize(text), bytes)
    })
  }
})
