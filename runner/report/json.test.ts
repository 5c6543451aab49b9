/** Tests of the NDJSON reporter. */
import assert from 'node:assert/strict'
import type { CaseEnd } from './event.ts'
import { caseEnd, FAILED, NASTY, stream } from './fixtures.ts'
import { jsonReporter } from './json.ts'

function lines(...ends: readonly CaseEnd[]): readonly string[] {
  const reporter = jsonReporter()
  const text = stream(...ends)
    .map((event) => reporter.on(event))
    .join('')
  return text.trimEnd().split('\n')
}

describe('the json reporter', () => {
  it('writes one event a line, unchanged', () => {
    const ends = [caseEnd({ title: NASTY }), FAILED]
    assert.deepEqual(
      lines(...ends).map((line): unknown => JSON.parse(line)),
      stream(...ends),
    )
  })

  it('ends with exactly the line that scripts look for', () => {
    assert.equal(
      lines(caseEnd(), FAILED).at(-1),
      '{"event":"run-end","cases":2,"verdicts":{"pass":1,"fail":1},"seconds":1.5}',
    )
  })

  it('has the promised members in each case-end', () => {
    const end = JSON.parse(lines(caseEnd())[3] ?? '')
    for (const name of ['id', 'target', 'profile', 'verdict', 'milliseconds', 'clauses']) {
      assert.ok(name in end, name)
    }
  })
})
