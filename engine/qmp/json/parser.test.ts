/** The JSON stream against what a real QEMU 7.2 made of the same bytes. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Json } from '../../util/json.ts'
import { printJson } from '../../util/json.ts'
import { JsonParser } from './parser.ts'
import { parseJsonText } from './text.ts'

/** What a stream comes to: values as printed, errors as their texts. */
function read(...chunks: readonly (string | Uint8Array)[]): string[] {
  const found: string[] = []
  const parser = new JsonParser({
    value: (value) => found.push(printJson(value)),
    error: (error) => found.push(error.message.replace('JSON parse error, ', '! ')),
  })
  for (const chunk of chunks) {
    parser.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk)
  }
  return found
}

/** Input, and all that a real QEMU 7.2 finds in it. */
const STREAMS: readonly (readonly [input: string, found: readonly string[]])[] = [
  ['garbage\n', ["! invalid keyword 'garbage'"]],
  ['nul\n', ["! invalid keyword 'nul'"]],
  ['{"a":1}{"a":2}', ['{"a": 1}', '{"a": 2}']],
  ['{"a":\n1\n}', ['{"a": 1}']],
  ["{'a':'it\\'s \"x\"'}", ['{"a": "it\'s \\"x\\""}']],
  ['[]"str" 1 true null ', ['[]', '"str"', '1', 'true', 'null']],
  ['1 2', ['1']],
  ['1.0 ', ['1']],
  [
    '[18446744073709551616,-9223372036854775809]',
    ['[1.8446744073709552e+19, -9.2233720368547758e+18]'],
  ],
  ['[9223372036854775807,18446744073709551615]', ['[9223372036854775807, 18446744073709551615]']],
  ['1e999 ', ['inf']],
  ['{"a":01}\n', ["! stray '01'", '! expecting value']],
  ['{"a":1.}\n', ["! stray '1.}'"]],
  ['{"a":.5}\n', ["! stray '.'", '! expecting value']],
  ['{"a":-}\n', ["! stray '-}'"]],
  ['{"a":+1}\n', ["! stray '+'", '! expecting value']],
  ['{"a":1e}\n', ["! stray '1e}'"]],
  ['{"a":1x}\n', ['! expected separator in dict']],
  ['0e1\n', ['0', "! invalid keyword 'e'", '1']],
  ['"\\u00e9\\ud83d\\ude00\\n\\/"', ['"\\u00E9\\uD83D\\uDE00\\n/"']],
  ['"\\u0000"', ['"\\u0000"']],
  ['"\xc0\x80"', ['"\\u0000"']],
  ['"\\ud800"', ['! \\ud800 is not a valid Unicode character']],
  ['"\\ud800\\u0041"', ['! \\ud800 is not a valid Unicode character']],
  ['"\\ud83f\\udffe"', ['! \\ud83f\\udffe is not a valid Unicode character']],
  ['"\\uffff"', ['! \\uffff is not a valid Unicode character']],
  ['"\\u12"', ['! \\u12" is not a valid Unicode character']],
  ['"\\u1\xc3\xa9x"', ['! \\u1éx is not a valid Unicode character']],
  ['"\\x41"', ['! invalid escape sequence in string']],
  ['"\xc3("', ['! invalid UTF-8 sequence in string']],
  ['"\xed\xa0\x80"', ['! invalid UTF-8 sequence in string']],
  ['"\xef\xbf\xbf"', ['! invalid UTF-8 sequence in string']],
  ['"\xf4\x90\x80\x80"', ['! invalid UTF-8 sequence in string']],
  ['"a\nb"}\n', ["! stray '\"a\n'", '! expecting value']],
  ['"a\x00b"}\n', ["! stray '\"a'", '! expecting value']],
  ['"\xff"}\n', ["! stray '\"\ufffd'", '! expecting value']],
  ['"\xe2\x82\x01\n', ["! stray '\"\ufffd\x01'"]],
  ['\xff{"a":1}', ["! stray '\ufffd'", '{"a": 1}']],
  ['{"a":1,\xff{"b":1}', ["! stray '\ufffd'", '{"b": 1}']],
  ['\x01garbage"x"}\n', ["! stray '\x01'", '! expecting value']],
  [
    '\x01a:b,c]',
    [
      "! stray '\x01'",
      '! expecting value',
      "! invalid keyword 'b'",
      '! expecting value',
      "! invalid keyword 'c'",
      '! expecting value',
    ],
  ],
  ['\x01\ttrue\n', ["! stray '\x01'"]],
  ['\x01\rtrue\n', ["! stray '\x01'", 'true']],
  ['\x01\x0btrue\n', ["! stray '\x01'", "! stray '\x0b'"]],
  ['-\ntrue\nfalse\n', ["! stray '-\n'", 'false']],
  ['tRue\n', ["! invalid keyword 't'", "! stray 'R'"]],
  ['-true\n', ["! stray '-t'"]],
  ['1e5.3\n', ['100000', "! stray '.'"]],
  ['{"a":[1,2}', []],
  ['{"a":[1,2}]}', ['! expected separator in list', '! expecting value']],
  ['}}', ['! expecting value', '! expecting value']],
  ['{]', ['! expecting value']],
  ['{,}', ['! expecting value']],
  ['{"a"}', ['! missing : in object pair']],
  ['{"a",}', ['! missing : in object pair']],
  ['{"a":}', ['! expecting value']],
  ['{"a":1,}', ['! expecting value']],
  ['{"a":1 "b":2}', ['! expected separator in dict']],
  ['{1:1}', ['! key is not a string in object']],
  ['{[]:1}', ['! key is not a string in object']],
  ['{[a]:1}', ["! invalid keyword 'a'"]],
  ['{a:1}', ["! invalid keyword 'a'"]],
  ['[1 2]', ['! expected separator in list']],
  ['[1,]', ['! expecting value']],
  ['{"a":1,"a":2}', ['! duplicate key']],
  ['{"a":1,"a":garbage}', ["! invalid keyword 'garbage'"]],
  ['{"__proto__":1,"constructor":2}', ['{"__proto__": 1, "constructor": 2}']],
  ['%d\n', ["! stray '%'"]],
  ['"%d"', ['"%d"']],
]

describe('the JSON stream', () => {
  for (const [input, found] of STREAMS) {
    it(`finds ${JSON.stringify(found)} in ${JSON.stringify(input)}`, () => {
      assert.deepEqual(read(input).map(sorted), found.map(sorted))
    })
  }

  /** Two members may come in either order; other tests look at that. */
  function sorted(text: string): string {
    return text.startsWith('{"__proto__') || text.startsWith('{"constr')
      ? Array.from(text).sort().join('')
      : text
  }

  it('finds the same however the bytes are cut', () => {
    for (const [input, found] of STREAMS) {
      const bytes = [...Buffer.from(input, 'latin1')].map((byte) => Uint8Array.of(byte))
      assert.deepEqual(read(...bytes).map(sorted), found.map(sorted))
    }
  })

  it('takes 1024 levels of nesting and no more', () => {
    assert.equal(read('['.repeat(1024) + ']'.repeat(1024)).length, 1)
    assert.deepEqual(read('['.repeat(1025)), ['JSON nesting depth limit exceeded'])
    assert.deepEqual(read(`${'{"a":'.repeat(512)}${'['.repeat(513)}`), [
      'JSON nesting depth limit exceeded',
    ])
  })

  it('takes 2097152 tokens in a message and no more', () => {
    assert.deepEqual(read(`[${'1,'.repeat((1 << 20) - 1)}1]`), ['JSON token count limit exceeded'])
  })

  it('gives up on a token of more than 64 MiB and recovers at the end of the line', () => {
    const mebibyte = Buffer.alloc(1 << 20, 'a')
    const chunks = Array.from({ length: 65 }, () => mebibyte)
    assert.deepEqual(read('"', ...chunks, '\n1\n'), ['JSON token size limit exceeded', '1'])
  })

  it('never fails and never keeps what it has refused, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (chunks) => {
        const found = read(...chunks, '\n\x01\n{"a": 7}')
        assert.equal(found.at(-1), '{"a": 7}')
      }),
      { numRuns: 300 },
    )
  })

  it('reads back what it prints', () => {
    const { value } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constant<Json>(null),
        fc.boolean(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc
          .uniqueArray(fc.tuple(fc.string(), tie('value')), {
            selector: ([key]) => key,
            maxLength: 4,
          })
          .map((entries) => new Map(entries)),
      ),
    }))
    fc.assert(
      fc.property(value, (json) => {
        assert.deepEqual(parseJsonText(`[${printJson(json)}]`), [json])
      }),
      { numRuns: 200 },
    )
  })
})

describe('a JSON text', () => {
  const TEXTS: readonly (readonly [text: string, message: string])[] = [
    ['{', 'JSON parse error, premature EOI'],
    ['{"a":1', 'JSON parse error, premature EOI'],
    ['{"a":tr', "JSON parse error, invalid keyword 'tr'"],
    ['{"a', "JSON parse error, stray '\"a'"],
    ['{"a":1.', "JSON parse error, stray '1.'"],
    ['{}}', 'Expecting at most one JSON value'],
    ['{} garbage', 'Expecting at most one JSON value'],
    ['{"a":1}{', 'Expecting at most one JSON value'],
    ['', 'Expecting a JSON value'],
  ]
  for (const [text, message] of TEXTS) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseJsonText(text), { message })
    })
  }
})
