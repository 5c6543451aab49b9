/** Options of command lines: `key=value` pairs, JSON, and getopt's reading of words. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BlockError } from '../util/errors.ts'
import { printJson } from '../util/json.ts'
import { scanOptions } from './getopt.ts'
import { parseKeyval, parseOptionText } from './keyval.ts'

describe('key=value pairs', () => {
  const READ: readonly (readonly [text: string, value: unknown])[] = [
    ['', {}],
    ['raw', { driver: 'raw' }],
    ['raw,x=1', { driver: 'raw', x: '1' }],
    ['driver=raw,x=', { driver: 'raw', x: '' }],
    ['x=a,,b,y=c', { x: 'a,b', y: 'c' }],
    ['x=1,x=2', { x: '2' }],
    ['x=1,', { x: '1' }],
    ['x=a=b', { x: 'a=b' }],
    ['a.b.c=1,a.b.d=2', { a: { b: { c: '1', d: '2' } } }],
    ['a.1=y,a.0=x', { a: ['x', 'y'] }],
    ['a.0.b=x,a.00.c=y', { a: [{ b: 'x', c: 'y' }] }],
  ]
  for (const [text, value] of READ) {
    it(`read ${JSON.stringify(text)}`, () => {
      assert.equal(printJson(parseKeyval(text, 'driver').value), printJson(value))
    })
  }

  const REFUSED: readonly (readonly [text: string, message: string])[] = [
    ['raw,x', "Expected '=' after parameter 'x'"],
    ['raw,=1', "Invalid parameter ''"],
    [',x=1', "Invalid parameter ''"],
    ['raw,,x=1', "Invalid parameter ''"],
    ['raw,file.=1', "Invalid parameter 'file.'"],
    ['raw,.file=1', "Invalid parameter '.file'"],
    ['raw,a..b=1', "Invalid parameter 'a..b'"],
    ['raw,-a=1', "Invalid parameter '-a'"],
    ['raw,_a=1', "Invalid parameter '_a'"],
    ['raw,9=1', "Invalid parameter '9'"],
    ['raw,fi%le=1', "Invalid parameter 'fi%le'"],
    ['raw,a.-1=1', "Invalid parameter 'a.-1'"],
    ['a.b=1,a=2', "Parameters 'a.*' used inconsistently"],
    ['a=2,a.b=1', "Parameters 'a.*' used inconsistently"],
    ['a.0=1,a.b=2', "Parameters 'a.*' used inconsistently"],
    ['a.1=1', "Parameter 'a.0' missing"],
    ['a.0=1,a.2=2', "Parameter 'a.1' missing"],
    [`${'a'.repeat(128)}=1`, `Parameter '${'a'.repeat(128)}' is too long`],
  ]
  for (const [text, message] of REFUSED) {
    it(`refuse ${text.slice(0, 30)}: ${message.slice(0, 60)}`, () => {
      assert.throws(() => parseKeyval(text, 'driver'), { message })
    })
  }

  it('notice a wish for help, but not a key of that name', () => {
    assert.deepEqual(
      ['raw,help', '?', 'help=1'].map((text) => parseKeyval(text, 'driver').help),
      [true, true, false],
    )
  })

  it('fail only in words, whatever the text', () => {
    const alphabet = fc.constantFrom('a', 'b', '.', '=', ',', '0', '1', '-', '?', 'é', '\0')
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 20 }), (text) => {
        try {
          parseKeyval(text, 'driver')
        } catch (error) {
          assert.ok(error instanceof BlockError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('an option text', () => {
  it('is JSON when it starts with a brace', () => {
    const { value, wire } = parseOptionText('{"a": [1]}', 'driver')
    assert.deepEqual([printJson(value), wire], ['{"a": [1]}', 'json'])
  })
  it('is pairs when it does not', () => {
    assert.equal(parseOptionText('[1]', 'driver').wire, 'keyval')
  })
})

describe('options of a command line', () => {
  const SPECS = [
    { long: 'help', letter: 'h', takesValue: false },
    { long: 'blockdev', takesValue: true },
    { long: 'block', takesValue: true },
    { long: 'trace', letter: 'T', takesValue: true },
  ] as const
  const seen = (argv: readonly string[], keepRest = false): unknown[] =>
    scanOptions(SPECS, argv, keepRest).map((item) => {
      if (item.kind === 'option') return [item.spec.long, item.value, item.words]
      return item.kind === 'word' ? item.value : { problem: item.text }
    })

  const READ: readonly (readonly [argv: readonly string[], found: readonly unknown[]])[] = [
    [
      ['--blockdev', 'x', 'y'],
      [['blockdev', 'x', '--blockdev x'], 'y'],
    ],
    [['--blockdev=x'], [['blockdev', 'x', '--blockdev=x']]],
    [['--tr', 'x'], [['trace', 'x', '--tr x']]],
    [['--block', 'x'], [['block', 'x', '--block x']]],
    [
      ['-Tx', '-T', 'y'],
      [
        ['trace', 'x', '-Tx'],
        ['trace', 'y', '-T y'],
      ],
    ],
    [
      ['-hT', 'y'],
      [
        ['help', '', '-hT'],
        ['trace', 'y', '-hT y'],
      ],
    ],
    [['-'], ['-']],
    [['--', 'x'], []],
    [['--zz'], [{ problem: "unrecognized option '--zz'" }]],
    [['-z'], [{ problem: "invalid option -- 'z'" }]],
    [['--blockdev'], [{ problem: "option '--blockdev' requires an argument" }]],
    [['-T'], [{ problem: "option requires an argument -- 'T'" }]],
    [['--help=1'], [{ problem: "option '--help' doesn't allow an argument" }]],
    [['--b'], [{ problem: "option '--b' is ambiguous; possibilities: '--blockdev' '--block'" }]],
  ]
  for (const [argv, found] of READ) {
    it(`are found in ${argv.join(' ')}`, () => {
      assert.deepEqual(seen(argv), found)
    })
  }

  it('end at --, after which all are words', () => {
    assert.deepEqual(seen(['--', '-h'], true), ['-h'])
  })
})
