/** Formatting changes the looks alone, and only once. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { STEPS } from '../runner/steps/index.ts'
import { compileScenario } from './compile.ts'
import { EXAMPLES } from './examples.test-data.ts'
import { formatScenario } from './format.ts'
import { jsonSchema } from './json-schema.ts'

function planOf(text: string): string {
  const { scenario } = compileScenario({ path: 'x.yaml', text }, { kinds: STEPS, root: '' })
  return JSON.stringify(scenario?.cases, (key, value: unknown) => {
    if (/span$/i.test(key)) return undefined
    return typeof value === 'bigint' ? String(value) : value
  })
}

describe('formatting', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['indents by two', 'a:\n    b: 1\n    c:\n        - x\n', 'a:\n  b: 1\n  c:\n    - x\n'],
    [
      'indents lists below their key',
      'a:\n- b: 1\n  c: 2\n- d\n',
      'a:\n  - b: 1\n    c: 2\n  - d\n',
    ],
    [
      'moves blocks with their key',
      'a:\n    b: |\n        one\n          two\n',
      'a:\n  b: |\n    one\n      two\n',
    ],
    ['moves comments with what follows', 'a:\n    # why\n    b: 1\n', 'a:\n  # why\n  b: 1\n'],
    [
      'keeps aligned comments',
      'a: 1      # one\nbb: 2     # two\n',
      'a: 1      # one\nbb: 2     # two\n',
    ],
    ['keeps aligned values', 'a:   1\nbb:  2\n', 'a:   1\nbb:  2\n'],
    ['closes gaps and trailing blanks', 'a: 1  \n\n\n\nb: 2\n\n\n', 'a: 1\n\nb: 2\n'],
    ['keeps blank lines of blocks', 'a: |\n  x\n\n\n  y\nb: 1\n', 'a: |\n  x\n\n\n  y\nb: 1\n'],
    ['leaves tabs at the margin of a block alone', '|\n\ta\nb\n', '|\n\ta\nb\n'],
    ['tightens brackets', 'a: [ 1 ,2 ]\nb: {x: 1}\n', 'a: [1, 2]\nb: {x: 1}\n'],
    [
      'follows the braces that a file has more of',
      'a: { x: 1 }\nb: {y: [ 2 ]}\nc: { z: 3 }\n',
      'a: { x: 1 }\nb: { y: [2] }\nc: { z: 3 }\n',
    ],
    ['keeps line breaks in brackets', 'a:\n    {b: 1,\n     c: 2}\n', 'a:\n  {b: 1,\n   c: 2}\n'],
    ['shortens dashes', 'a:\n  -   b: 1\n      c: 2\n', 'a:\n  - b: 1\n    c: 2\n'],
    ['spaces comments', '#why\na: 1\n', '# why\na: 1\n'],
    ['ends lines as one does', 'a: 1\r\nb: 2', 'a: 1\nb: 2\n'],
    ['leaves alone what is no YAML', 'a: [1\n', 'a: [1\n'],
  ]
  for (const [what, before, after] of rows) {
    it(what, () => {
      assert.equal(formatScenario(before), after)
    })
  }

  it('leaves the examples as they are', () => {
    for (const text of Object.values(EXAMPLES)) assert.equal(formatScenario(text), text)
  })

  it('is done after once, and keeps the plan, however a file is indented', () => {
    const width = fc.integer({ min: 1, max: 5 })
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(EXAMPLES)),
        width,
        fc.boolean(),
        (text, factor, airy) => {
          const spread = text
            .split('\n')
            .map(
              (line) =>
                ' '.repeat((line.length - line.trimStart().length) * factor) + line.trimStart(),
            )
            .join('\n')
          const messy = airy ? spread.replaceAll(/: \{(?=\S)/g, ': { ') : spread
          const once = formatScenario(messy)
          assert.equal(formatScenario(once), once)
          assert.equal(planOf(once), planOf(messy))
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('the schema for editors', () => {
  it('knows the keys that are built, and no others', () => {
    const schema = JSON.parse(JSON.stringify(jsonSchema(STEPS))) as {
      properties: object
      definitions: { step: { anyOf: { required: string[] }[] } }
    }
    assert.ok('matrix' in schema.properties && !('devices' in schema.properties))
    const kinds = schema.definitions.step.anyOf.map(({ required }) => required[0])
    assert.ok(
      kinds.includes('qmp') &&
        kinds.includes('save') &&
        kinds.includes('if') &&
        kinds.includes('together') &&
        !kinds.includes('hmp'),
    )
  })
})
