/** Golden notation says what JSON says, and its lines can be joined again. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { joinText, requestLines, textLines, unfold, valueLines, WIDTH } from './layout.ts'
import {
  bare,
  isBare,
  parseMembers,
  parseNotation,
  type Shown,
  show,
  showMembers,
} from './notation.ts'

const key = fc.oneof(
  fc.constantFrom('node-name', 'type', 'data', 'a', 'x-perf', 'children.0'),
  fc.string({ minLength: 1, maxLength: 6 }).filter((name) => name !== '__proto__'),
)
const text = fc.oneof(
  fc.constantFrom('', 'true', 'null', '64k', '0x10', '#1', 'img:a', '$from', '<host>', '?', 'a=b'),
  fc.string({ maxLength: 12 }),
  fc.string({ minLength: 60, maxLength: 200 }),
)
const scalar: fc.Arbitrary<Shown> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.integer({ min: -2, max: 2 ** 20 }).map((count) => count * 1024),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }),
  text,
  fc.constantFrom('img:a', '#12', '$from', '<host>').map((word) => bare(word)),
)
const value: fc.Arbitrary<Shown> = fc.letrec<{ value: Shown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
})).value
const members = fc.dictionary(key, value, { maxKeys: 5 })

/** Symbols do not survive a deep comparison; their texts do. */
function plain(shown: Shown): unknown {
  if (isBare(shown)) return { bare: shown.text }
  if (Array.isArray(shown)) return (shown as readonly Shown[]).map(plain)
  if (typeof shown !== 'object' || shown === null) return shown
  return Object.fromEntries(Object.entries(shown).map(([name, part]) => [name, plain(part)]))
}

describe('golden notation', () => {
  it('gives back every value that it shows', () => {
    fc.assert(
      fc.property(value, (one) => {
        assert.deepEqual(plain(parseNotation(show(one))), plain(one))
      }),
    )
  })

  it('quotes only what could be taken for something else', () => {
    assert.equal(
      show({ a: 'q0', b: 'true', c: true, d: '64k', e: 65536, f: '' }),
      '{a=q0 b="true" c=true d="64k" e=64k f=""}',
    )
  })

  it('shows an action of a transaction by its type', () => {
    const action = { type: 'blockdev-backup', data: { device: 'd', sync: 'full' } }
    assert.equal(show([action]), '[{blockdev-backup device=d sync=full}]')
  })

  it('keeps exact integers beyond what a double holds', () => {
    assert.equal(show(2n ** 64n - 1n), '18446744073709551615')
    assert.equal(parseNotation('18446744073709551615'), 2n ** 64n - 1n)
  })
})

describe('the layout of golden lines', () => {
  it('can be undone for requests of any shape', () => {
    fc.assert(
      fc.property(members, (args) => {
        const lines = requestLines('qmp   some-command', args, undefined)
        const joined = unfold(lines)
        const rest = showMembers(args)
        assert.equal(joined, rest === '' ? 'qmp   some-command' : `qmp   some-command ${rest}`)
      }),
    )
  })

  it('can be undone for values of any shape', () => {
    fc.assert(
      fc.property(value, (one) => {
        assert.equal(unfold(valueLines(one)).trimStart(), show(one))
      }),
    )
  })

  it('can be undone for texts of any kind', () => {
    const words = fc.array(
      fc.oneof(fc.string({ maxLength: 9 }), fc.string({ minLength: 90, maxLength: 130 })),
    )
    fc.assert(
      fc.property(words, (parts) => {
        const whole = parts.join(' ')
        const lines = textLines(whole)
        assert.ok(lines.every((line) => line.length <= WIDTH && line.trimEnd() === line))
        assert.equal(joinText(lines), whole)
      }),
    )
  })

  it('puts the outcome at column 65 where it fits', () => {
    const [line = ''] = requestLines('qmp   x-blockdev-change', { parent: 'q0', node: 'c' }, 'ok')
    assert.equal(line.indexOf('=>'), 65)
  })

  it('breaks a list of maps one item a line', () => {
    const options = [
      { driver: 'qcow2', 'node-name': 'a', file: 'b-file' },
      { driver: 'qcow2', 'node-name': 'b', file: 'a-file' },
    ]
    assert.deepEqual(requestLines('qmp   blockdev-reopen', { options }, 'ok'), [
      'qmp   blockdev-reopen options=[',
      '          {driver=qcow2 node-name=a file=b-file}',
      '          {driver=qcow2 node-name=b file=a-file}]                => ok',
    ])
  })

  it('moves the last word down when the outcome does not fit', () => {
    const args = {
      'job-id': 'x',
      device: 'disk',
      target: 'disk',
      sync: 'incremental',
      bitmap: 'nosuch',
    }
    assert.deepEqual(requestLines('qmp   blockdev-backup', args, 'GenericError'), [
      'qmp   blockdev-backup job-id=x device=disk target=disk sync=incremental',
      '          bitmap=nosuch                                          => GenericError',
    ])
  })

  it('gives each member of a long reply its own line', () => {
    const node = Object.fromEntries(
      'abcdefghijklmnop'.split('').map((name) => [name, 'x'.repeat(20)]),
    )
    const before = valueLines([node])
    const after = valueLines([{ ...node, zz: true }])
    assert.equal(after.length, before.length + 1)
  })

  it('reads members back as a map', () => {
    assert.deepEqual(parseMembers('a=1 b=[x y]'), { a: 1, b: ['x', 'y'] })
  })
})
