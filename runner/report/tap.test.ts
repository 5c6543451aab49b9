/** Tests of the TAP reporter. */
import assert from 'node:assert/strict'
import { parse } from 'yaml'
import type { CaseEnd } from './event.ts'
import { caseEnd, FAILED, NASTY, SKIPPED, stream } from './fixtures.ts'
import { tapReporter } from './tap.ts'

function lines(...ends: readonly CaseEnd[]): readonly string[] {
  const reporter = tapReporter()
  return stream(...ends)
    .map((event) => reporter.on(event))
    .join('')
    .trimEnd()
    .split('\n')
}

/** The YAML block of a test point. */
function diagnostic(all: readonly string[]): unknown {
  const start = all.indexOf('  ---')
  const end = all.indexOf('  ...')
  return parse(all.slice(start + 1, end).join('\n'))
}

describe('the tap reporter', () => {
  it('starts with the version and ends with the plan', () => {
    const all = lines(caseEnd(), FAILED)
    assert.equal(all[0], 'TAP version 14')
    assert.equal(all.at(-1), '1..2')
  })

  it('only writes lines that TAP 14 knows', () => {
    const known =
      /^(TAP version 14|1\.\.\d+|(not )?ok \d+ - .*| {4}(not )?ok \d+ - .*| {4}1\.\.\d+|# Subtest: .*| {2}(---|\.\.\.)| {2}( {2})*(- )?[a-z]+:.*)$/
    const bad = lines(caseEnd({ id: NASTY }), { ...FAILED, id: 'a\nok 99 - forged' }, SKIPPED)
    assert.deepEqual(
      bad.filter((line) => !known.test(line)),
      [],
    )
  })

  it('makes a subtest of the phases and marks the one that failed', () => {
    const phases = [
      { title: 'setup', text: '' },
      { title: 'one vote', text: '' },
    ]
    assert.deepEqual(lines({ ...FAILED, phases }).slice(1, 6), [
      '# Subtest: quorum/threshold',
      '    ok 1 - setup',
      '    not ok 2 - one vote',
      '    1..2',
      'not ok 1 - quorum/threshold',
    ])
  })

  it('describes failures in YAML, also nasty ones', () => {
    const failures = [{ code: 'claim', message: NASTY.replace('\ud800', ''), phase: 'p: q' }]
    const found = diagnostic(lines({ ...FAILED, failures })) as { failures: unknown }
    assert.deepEqual(found.failures, failures)
  })

  it('points at the place', () => {
    const found = diagnostic(lines(FAILED)) as { failures: { at: unknown }[] }
    assert.deepEqual(found.failures[0]?.at, {
      file: 'scenarios/quorum/threshold.yaml',
      line: 45,
      column: 7,
    })
  })

  it('skips with the reason what is not applicable', () => {
    assert.ok(lines(SKIPPED).includes('ok 1 - throttle/virtual # SKIP needs time.virtual'))
  })

  it('escapes hashes and backslashes in descriptions', () => {
    assert.ok(lines(caseEnd({ id: 'a#b\\c' })).includes('ok 1 - a\\#b\\\\c'))
  })
})
