/** Frames with carets, suggestions, sizes and durations. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { excerpt, renderProblem } from './problem.ts'
import { parseDuration, parseSize, printSize } from './size.ts'
import { Source } from './source.ts'
import { nearest } from './suggest.ts'
import { problemsOf, withIo } from './testing.ts'

describe('a problem', () => {
  it('is shown with its place, its line and a caret below', () => {
    const [problem] = problemsOf(withIo('read -P 0x5a 0 64k\nread -P 0xa5 64k 64k => eio'))
    assert.ok(problem !== undefined)
    assert.equal(
      renderProblem(problem),
      [
        "suite/area/case.yaml:10:31: error[io-errno-case]: 'eio' is no errno name",
        '   8 |     do: |',
        '   9 |       read -P 0x5a 0 64k',
        '  10 |       read -P 0xa5 64k 64k => eio',
        '     |                               ^^^',
        '   help: errno names are upper case: EIO',
      ].join('\n'),
    )
  })

  it('is shown at the end of a line too', () => {
    const source = new Source('x', 'abc\n')
    assert.deepEqual(excerpt(source.text, source.span(3, 3)), ['  1 | abc', '    |    ^'])
  })

  it('is shown over lines by its first one', () => {
    const source = new Source('x', 'abc\ndef\n')
    assert.deepEqual(excerpt(source.text, source.span(1, 6)), ['  1 | abc', '    |  ^^'])
  })

  it('is shown in a long line by the part around it', () => {
    const source = new Source('x', `${'x'.repeat(1000)}HERE${'y'.repeat(1000)}`)
    const [line, carets] = excerpt(source.text, source.span(1000, 1004))
    const at = carets?.indexOf('^') ?? 0
    assert.deepEqual([line?.slice(at, at + 4), (line?.length ?? 0) < 200], ['HERE', true])
  })
})

describe('suggestions', () => {
  const known = ['query-block', 'nodes', 'null-co', 'EIO']
  const rows = [
    ['qurey-block', 'query-block'],
    ['node', 'nodes'],
    ['eio', 'EIO'],
    ['something', undefined],
    ['nodes', undefined],
  ] as const
  for (const [wanted, best] of rows) {
    it(`answer ${wanted} with ${best ?? 'nothing'}`, () => {
      assert.equal(nearest(wanted, known), best)
    })
  }
})

describe('sizes', () => {
  it('are read as they are printed', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        assert.equal(parseSize(printSize(bytes)), bytes)
      }),
    )
  })

  it('are refused where they are none, or too large', () => {
    const wrong = [
      '',
      'k',
      '64kb',
      '1m',
      '-1',
      '0x',
      '1.5M',
      '9007199254740992',
      '9999999999999T',
      '1 M',
    ]
    assert.deepEqual(
      wrong.map(parseSize),
      wrong.map(() => undefined),
    )
  })
})

describe('durations', () => {
  it('are read in every unit', () => {
    const texts = ['100ns', '10us', '500ms', '1.5s', '2m', '1h']
    assert.deepEqual(texts.map(parseDuration), [100, 10_000, 5e8, 1.5e9, 12e10, 36e11])
  })

  it('are refused where they are none, or longer than a day', () => {
    const wrong = ['', '1', 's', '1d', '25h', '-1s', '1e9s']
    assert.deepEqual(
      wrong.map(parseDuration),
      wrong.map(() => undefined),
    )
  })
})
