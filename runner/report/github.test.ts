/** Tests of the GitHub reporters. */
import assert from 'node:assert/strict'
import type { CaseEnd } from './event.ts'
import { caseEnd, FAILED, NASTY, SKIPPED, stream } from './fixtures.ts'
import { githubReporter, githubSummaryReporter } from './github.ts'

function marks(...ends: readonly CaseEnd[]): readonly string[] {
  const reporter = githubReporter()
  const text = stream(...ends)
    .map((event) => reporter.on(event))
    .join('')
  return text === '' ? [] : text.trimEnd().split('\n')
}

describe('the github reporter', () => {
  it('marks the line of the scenario and the difference from the golden', () => {
    const [claim, golden] = marks(FAILED)
    assert.equal(
      claim,
      '::error file=scenarios/quorum/threshold.yaml,line=45,col=7,' +
        'title=FAIL quorum/threshold on engine::expected EIO, got ok%0A' +
        `rerun: ${FAILED.rerun}`,
    )
    assert.match(golden ?? '', /@@ == one vote%0A-io/)
  })

  it('says nothing about what is in order', () => {
    assert.deepEqual(marks(caseEnd(), SKIPPED), [])
  })

  it('writes ten annotations at most and counts the rest', () => {
    const all = marks(...Array.from({ length: 8 }, () => FAILED))
    assert.equal(all.filter((line) => line.startsWith('::error')).length, 10)
    assert.equal(
      all.at(-1),
      '::notice title=blockspec::6 more errors are in the log and not marked',
    )
  })

  it('escapes what would end a command or a property', () => {
    const end = { ...FAILED, id: NASTY, failures: [], reason: 'x\n::error::forged' }
    const all = marks(end)
    assert.equal(all.length, 1)
    assert.match(all[0] ?? '', /title=FAIL a <b>[^,:]*::x%0A::error::forged%0A/)
  })

  it('writes a table of what broke for the job summary', () => {
    const reporter = githubSummaryReporter()
    const text = stream(caseEnd(), { ...FAILED, id: 'a|b' })
      .map((event) => reporter.on(event))
      .join('')
    assert.match(text, /2 cases in 1\.5 s: 1 fail, 1 pass/)
    assert.match(text, /\| FAIL \| `a\\\|b` \| expected EIO, got ok \|/)
  })
})
