/** Numbers, strings and the order of members on the wire, as a real QEMU prints them. */
import assert from 'node:assert/strict'
import { printJson } from './json.ts'
import { inKeyOrder, keyBucket } from './key-order.ts'
import { NameTable } from './name-table.ts'

describe('printed JSON', () => {
  const NUMBERS: readonly (readonly [number | bigint, string])[] = [
    [1n, '1'],
    [1, '1'],
    [-0, '-0'],
    [0.1, '0.10000000000000001'],
    [1000, '1000'],
    [1e20, '1e+20'],
    [18446744073709551615n, '18446744073709551615'],
    [1.8446744073709552e19, '1.8446744073709552e+19'],
    [-9.2233720368547758e18, '-9.2233720368547758e+18'],
    [1.5e300, '1.5000000000000001e+300'],
    [1e-7, '9.9999999999999995e-08'],
    [0.00001234, '1.234e-05'],
    [0.001, '0.001'],
    [1.2345678901234568e29, '1.2345678901234568e+29'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
  ]
  for (const [value, text] of NUMBERS) {
    it(`prints ${text} as QEMU does`, () => {
      assert.equal(printJson(value), text)
    })
  }

  it('escapes all but printable ASCII', () => {
    assert.equal(
      printJson('a/é€😀\n\t\r\b\f\\"\u0001\u007f\0'),
      '"a/\\u00E9\\u20AC\\uD83D\\uDE00\\n\\t\\r\\b\\f\\\\\\"\\u0001\\u007F\\u0000"',
    )
  })

  it('lists members by bucket, in one bucket the last inserted first', () => {
    const version = { qemu: { major: 7, minor: 2, micro: 22 }, package: 'p' }
    assert.equal(
      printJson({ version, capabilities: ['oob'] }),
      '{"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "p"}, "capabilities": ["oob"]}',
    )
  })

  it('prints an empty object or list over two lines in the pretty form', () => {
    assert.equal(
      printJson({ a: [], b: {}, c: [1] }, { pretty: true }),
      '{\n    "a": [\n    ],\n    "b": {\n    },\n    "c": [\n        1\n    ]\n}',
    )
  })

  it('leaves out members that are undefined', () => {
    assert.equal(printJson({ return: {}, id: undefined }), '{"return": {}}')
  })

  it('prints names that objects inherit', () => {
    assert.equal(printJson(new Map([['__proto__', 1n]])), '{"__proto__": 1}')
  })
})

describe('the order of keys', () => {
  const BUCKETS: Readonly<Record<string, number>> = {
    '3des': 414,
    ACPI_DEVICE_OST: 35,
    BLOCK_EXPORT_DELETED: 149,
    BLOCK_JOB_READY: 508,
    BLOCK_WRITE_THRESHOLD: 86,
  }
  for (const [name, bucket] of Object.entries(BUCKETS)) {
    it(`puts ${name} into bucket ${String(bucket)}`, () => {
      assert.equal(keyBucket(name), bucket)
    })
  }

  it('reverses the members of one bucket', () => {
    assert.deepEqual(inKeyOrder([['bar'] as never, ['baz'] as never]), [['baz'], ['bar']])
  })
})

describe('a table of names', () => {
  it('keeps its names when it grows and when most are removed', () => {
    const names = Array.from({ length: 100 }, (_, index) => `name-${String(index)}`)
    const table = new NameTable()
    for (const name of names) table.add(name)
    assert.deepEqual([...table.names()].sort(), [...names].sort())
    for (const name of names.slice(3)) table.remove(name)
    assert.deepEqual([...table.names()].sort(), names.slice(0, 3))
  })
})
