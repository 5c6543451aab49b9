/** From text to tree: places inside scalars, anchors, limits, and input from hell. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { STEPS } from '../runner/steps/index.ts'
import { compileSuite } from './compile.ts'
import { parseDocument } from './document.ts'
import { EXAMPLES } from './examples.test-data.ts'
import { formatScenario } from './format.ts'
import { LIMITS } from './limits.ts'
import { lint } from './lint.ts'
import { Report, renderProblem } from './problem.ts'
import { Source } from './source.ts'
import { find, type Node, type ScalarNode } from './tree.ts'

function parse(text: string): Node {
  const report = new Report()
  const root = parseDocument(new Source('x.yaml', text), report)
  assert.deepEqual(report.list().map(renderProblem), [])
  assert.ok(root !== undefined)
  return root
}

function valueAt(text: string): ScalarNode {
  const root = parse(text)
  const value = root.kind === 'map' ? find(root, 'a')?.value : undefined
  assert.ok(value?.kind === 'scalar')
  return value
}

/** The place of the first occurrence of `word` in the decoded text. */
function wordPlace(text: string, word: string): string {
  const node = valueAt(text)
  const index = node.text.indexOf(word)
  assert.ok(index >= 0, `'${word}' is in ${JSON.stringify(node.text)}`)
  const span = node.source.span(node.offsetAt(index), node.offsetAt(index + word.length - 1) + 1)
  return `${String(span.line)}:${String(span.column)}-${String(span.endLine)}:${String(span.endColumn)}`
}

describe('places inside scalars', () => {
  const rows: readonly (readonly [string, string, string, string])[] = [
    ['plain', 'a: one two', 'two', '1:8-1:11'],
    ['plain over lines', 'a: one\n   two\n   three', 'three', '3:4-3:9'],
    ['single quotes', "a: 'it''s two'", 'two', '1:11-1:14'],
    ['single quotes over lines', "a: 'one\n   two''s\n\n   x'", 's\nx', '2:9-4:5'],
    ['double quotes', 'a: "one two"', 'two', '1:9-1:12'],
    ['double quotes with escapes', 'a: "\\u0041\\x41\\n two"', 'two', '1:18-1:21'],
    ['an escaped line break', 'a: "one \\\n   two"', 'two', '2:4-2:7'],
    ['double quotes over lines', 'a: "one\n  two\n\n  x"', 'x', '4:3-4:4'],
    ['a literal block', 'a: |\n  one\n    two\n  three', 'two', '3:5-3:8'],
    ['a literal block with an indicator', 'a: |2-\n   one\n  two', 'two', '3:3-3:6'],
    ['a literal block after blank lines', 'a: |\n\n\n  one\n  two', 'two', '5:3-5:6'],
    ['a folded block', 'a: >\n  one\n  two\n\n  three', 'three', '5:3-5:8'],
    [
      'a flow map',
      'b: {x: 1}\na: {y: 1}'.replace('a: {y: 1}', 'a: [1]').replace('a: [1]', 'a: x two'),
      'two',
      '2:6-2:9',
    ],
    ['carriage returns', 'a: |\r\n  one\r\n  two\r\n', 'two', '3:3-3:6'],
    ['characters beyond the base plane', 'a: "\\U0001F600 two"', 'two', '1:16-1:19'],
  ]
  for (const [what, text, word, place] of rows) {
    it(`are exact in ${what}`, () => {
      assert.equal(wordPlace(text, word), place)
    })
  }

  it('point at the same character in any spelling of any text', () => {
    const styles = fc.constantFrom(
      'PLAIN',
      'QUOTE_SINGLE',
      'BLOCK_LITERAL',
      'BLOCK_FOLDED',
      'QUOTE_DOUBLE',
    )
    const words = fc.array(fc.stringMatching(/^[a-z'"\\:#,é]{1,8}$/), {
      minLength: 1,
      maxLength: 12,
    })
    const separators = fc.constantFrom(' ', '\n', '\n\n', '  ')
    fc.assert(
      fc.property(
        words,
        separators,
        styles,
        fc.integer({ min: 20, max: 60 }),
        (list, separator, style, lineWidth) => {
          const value = list.join(separator)
          const text = stringify({ a: value }, { defaultStringType: style, lineWidth })
          const node = valueAt(text)
          for (let index = 0; index < node.text.length; index++) {
            const char = node.text[index] ?? ''
            const raw = text[node.offsetAt(index)] ?? ''
            if (/\s/.test(char) || raw === '\\') continue
            assert.equal(raw, char, `${text}\n${String(index)}`)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('anchors', () => {
  it('are expanded, and a mistake names their use', () => {
    const text = 'scenario: 1\ntitle: t\ndefine: &bad {wrong: 1}\nsteps:\n  - *bad\n'
    const [problem] = compileSuite([{ path: 'x.yaml', text }], { kinds: STEPS, root: '' }).problems
    assert.ok(problem !== undefined)
    assert.equal(problem.span.line, 3)
    assert.deepEqual(
      problem.notes.map(({ span }) => [span.line, span.column]),
      [[5, 5]],
    )
  })

  it('merge into maps, where own keys win', () => {
    const root = parse('x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}')
    const y = root.kind === 'map' ? find(root, 'y')?.value : undefined
    assert.ok(y?.kind === 'map')
    assert.deepEqual(
      y.entries.map(({ name, value }) => [name, value.kind === 'scalar' ? value.value : 0]),
      [
        ['b', 3n],
        ['a', 1n],
      ],
    )
  })
})

/** Everything a caller may do with a text. */
function exercise(text: string): void {
  const readFragment = () => text
  for (const problem of lint([{ path: 'a/b.yaml', text }], {
    kinds: STEPS,
    root: 'a',
    readFragment,
  }))
    renderProblem(problem)
  formatScenario(text)
}

describe('any text', () => {
  it('gets an answer, whatever its characters', () => {
    const bits = fc.constantFrom(
      ...'\0\t\n\r -?:,[]{}#&*!|>\'"%@`~$a1\ufffd\ud800é'.split(''),
      'scenario: 1\n',
      'steps:\n',
      '- io: x\n',
      '<<: *a\n',
    )
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 60 }), (list) => {
        exercise(list.join(''))
      }),
      { numRuns: 400 },
    )
  })

  it('gets an answer when an example is cut, doubled and shuffled', () => {
    const examples = fc.constantFrom(...Object.values(EXAMPLES))
    const noise = fc.constantFrom(
      '',
      ' ',
      '\n',
      '~',
      '$',
      '{',
      ']',
      '(',
      "'",
      '"',
      ': ',
      '- ',
      '|',
      '=>',
      '0x',
      '..',
      '/',
      '\t',
    )
    fc.assert(
      fc.property(examples, fc.nat(5000), fc.nat(30), noise, (text, at, count, insert) => {
        const place = at % text.length
        exercise(text.slice(0, place) + insert + text.slice(place + count))
      }),
      { numRuns: 100 },
    )
  })

  const half = Math.floor(LIMITS.fileLength / 2)
  const monsters: Readonly<Record<string, string>> = {
    'a file of open brackets': '['.repeat(half),
    'a file of open braces': '{'.repeat(half),
    'a file of dashes': '- '.repeat(half),
    'a file of question marks': '? '.repeat(half),
    'a file of anchors': '&a '.repeat(half / 2),
    'a file of colons': 'a: '.repeat(half / 2),
    'a file of quotes': '"'.repeat(half),
    'one long line of words': 'a '.repeat(half),
    'many empty lines': '\n'.repeat(half),
    'many comments': '#\n'.repeat(half),
    'many keys': Array.from({ length: 20_000 }, (_, index) => `k${String(index)}: 1`).join('\n'),
    'a long list': `define: [${'1,'.repeat(20_000)}1]`,
    'a long script': `scenario: 1\ntitle: x\nsteps:\n- io: x\n  do: |\n${'    write -P 1 0 1\n'.repeat(10_000)}`,
    'nested loops': `scenario: 1\ntitle: x\nsteps:\n- io: x\n  do: "${'for i in 0..9: '.repeat(5000)}flush"`,
    'nested brackets in a match': `scenario: 1\ntitle: x\nsteps:\n- qmp: x\n  return: "~ ${'('.repeat(50_000)}"`,
    'nested negations in a match': `scenario: 1\ntitle: x\nsteps:\n- qmp: x\n  return: "~ ${'not '.repeat(20_000)}1"`,
    'nested lists in a match': `scenario: 1\ntitle: x\nsteps:\n- qmp: x\n  return: "~ ${'['.repeat(30)}1${']'.repeat(30)}"`,
    'a long sum': `scenario: 1\ntitle: x\nsteps:\n- io: x\n  do: "write 0 1${'-1'.repeat(30_000)}"`,
    'many alternatives': `scenario: 1\ntitle: x\nsteps:\n- qmp: x\n  return: "~ 1${' | 1'.repeat(20_000)}"`,
    'many variables': `scenario: 1\ntitle: x\nsteps:\n- phase: "${'$a '.repeat(20_000)}"`,
    'loops in loops': `scenario: 1\ntitle: x\nsteps:\n${Array.from({ length: 15 }, (_, level) => `${' '.repeat(level * 4)}- each: {v${String(level)}: [1, 2, 3, 4, 5, 6, 7, 8]}\n${' '.repeat(level * 4)}  do:\n`).join('')}${' '.repeat(60)}- phase: x\n`,
  }
  for (const [what, text] of Object.entries(monsters)) {
    it(`gets an answer when it is ${what}`, () => {
      exercise(text)
    })
  }
})
