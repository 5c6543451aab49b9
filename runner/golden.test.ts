/** Goldens fold the transcripts of all cases and give each one back. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expandGolden, foldGolden, GoldenError, type GoldenCase, readHeader } from './golden.ts'
import { labelOf, labelSelects } from './labels.ts'

const HEADER = { scenario: 'area/name', from: ['qemu-storage-daemon 7.2.22'], normaliser: 1 }

function matrix(axes: Readonly<Record<string, readonly string[]>>): GoldenCase[] {
  let cases: GoldenCase['variables'][] = [[]]
  for (const [name, texts] of Object.entries(axes)) {
    cases = cases.flatMap((variables) => texts.map((text) => [...variables, { name, text }]))
  }
  return cases.map((variables) => ({
    id: `area/name[${variables.map(({ name, text }) => `${name}=${text}`).join(',')}]`,
    variables,
  }))
}

const line = fc.oneof(
  fc.constantFrom('qmp   a', 'qmp   b', 'io    q0 write', 'graph', '-- n=0', 'evt   X a=1'),
  fc.constantFrom(
    '      | text one',
    '      q0 quorum',
    '        file -> a',
    '          folded => ok',
  ),
)
const phase = fc.tuple(fc.constantFrom('setup', 'one', 'two'), fc.array(line, { maxLength: 6 }))
const transcript = fc
  .array(phase, { minLength: 1, maxLength: 4 })
  .map(
    (phases) =>
      `${phases.map(([title, lines]) => [`== ${title}`, ...lines].join('\n')).join('\n\n')}\n`,
  )

describe('a golden', () => {
  it('gives back the transcript of every case, byte for byte', () => {
    const axes = fc.constantFrom<Readonly<Record<string, readonly string[]>>>(
      { from: ['mid', 'thr'] },
      { mode: ['fifo', 'quorum'], size: ['1', '64k', 'a b|c;"]'] },
      { a: ['x', 'y'], b: ['x', 'y'], c: ['x', 'y'] },
    )
    fc.assert(
      fc.property(axes, fc.infiniteStream(transcript), (chosen, texts) => {
        const recorded = matrix(chosen).map((which) => ({
          case: which,
          transcript: texts.next().value,
        }))
        const golden = foldGolden(HEADER, recorded)
        for (const entry of recorded) {
          assert.equal(expandGolden(golden, entry.case), entry.transcript)
        }
      }),
    )
  })

  it('never joins lines of different phases', () => {
    const cases = matrix({ state: ['ready', 'paused'] })
    const recorded = ['ready', 'paused'].map((state, index) => ({
      case: cases[index] ?? { id: '', variables: [] },
      transcript: `== a job that is ${state}\nqmp   a\nqmp   b\n`,
    }))
    const lines = foldGolden(HEADER, recorded).split('\n').slice(1)
    assert.deepEqual(
      lines.filter((text) => text !== ''),
      [
        '[state=ready]',
        '== a job that is ready',
        'qmp   a',
        'qmp   b',
        '[state=paused]',
        '== a job that is paused',
        'qmp   a',
        'qmp   b',
        '[end]',
      ],
    )
  })

  it('is the same again when folded from what it expands to', () => {
    const cases = matrix({ mode: ['fifo', 'quorum'], size: ['1', '2'] })
    fc.assert(
      fc.property(fc.infiniteStream(transcript), (texts) => {
        const recorded = cases.map((which) => ({ case: which, transcript: texts.next().value }))
        const golden = foldGolden(HEADER, recorded)
        const again = cases.map((which) => ({
          case: which,
          transcript: expandGolden(golden, which),
        }))
        assert.equal(foldGolden(HEADER, again), golden)
      }),
    )
  })

  it('writes shared lines once and the others in blocks in matrix order', () => {
    const [mid, thr] = matrix({ from: ['mid', 'thr'] })
    assert.ok(mid !== undefined && thr !== undefined)
    const golden = foldGolden(HEADER, [
      {
        case: mid,
        transcript: '== one\nqmp   del => GenericError\n      | busy\n\n== after\ntidy  ok\n',
      },
      {
        case: thr,
        transcript: '== one\nqmp   del => GenericError\n      | in use\n\n== after\ntidy  ok\n',
      },
    ])
    assert.equal(
      golden,
      [
        '# blockspec golden 1 | area/name | from qemu-storage-daemon 7.2.22 | normaliser 1',
        '',
        '== one',
        'qmp   del => GenericError',
        '[from=mid]',
        '      | busy',
        '[from=thr]',
        '      | in use',
        '[end]',
        '',
        '== after',
        'tidy  ok',
        '',
      ].join('\n'),
    )
  })

  it('refuses a text that has no header, and one of a newer format', () => {
    assert.throws(() => readHeader('== setup\n'), GoldenError)
    assert.throws(() => readHeader('# blockspec golden 2 | a | from b | normaliser 1\n'), /newer/)
  })

  it('refuses a block label that cannot be read', () => {
    const [one] = matrix({ a: ['x'] })
    assert.ok(one !== undefined)
    const text = '# blockspec golden 1 | a | from b | normaliser 1\n\n[a=\nqmp   x\n[end]\n'
    assert.throws(() => expandGolden(text, one), GoldenError)
  })
})

describe('a block label', () => {
  const cases = matrix({ a: ['1', '2', 'x y'], b: ['p', 'q'] })

  it('selects exactly the cases that it was made for', () => {
    fc.assert(
      fc.property(fc.subarray([...cases.keys()], { minLength: 1 }), (chosen) => {
        const label = labelOf(new Set(chosen), cases)
        const selected = cases.flatMap((which, index) =>
          labelSelects(label, which) === true ? [index] : [],
        )
        assert.deepEqual(selected, chosen)
      }),
    )
  })

  it('names only the variables that matter', () => {
    assert.equal(labelOf(new Set([0, 1]), cases), '[a=1]')
    assert.equal(labelOf(new Set([0, 2, 4]), cases), '[b=p]')
    assert.equal(labelOf(new Set([0, 2]), cases), '[a=1|2 b=p]')
  })

  it('joins combinations that are no product', () => {
    assert.equal(labelOf(new Set([0, 3]), cases), '[a=1 b=p; a=2 b=q]')
  })
})
