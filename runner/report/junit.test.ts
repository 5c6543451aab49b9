/** Tests of the JUnit reporter. */
import assert from 'node:assert/strict'
import type { CaseEnd } from './event.ts'
import { caseEnd, FAILED, NASTY, SKIPPED, stream } from './fixtures.ts'
import { junitReporter, xml } from './junit.ts'

function document(...ends: readonly CaseEnd[]): string {
  const reporter = junitReporter()
  return stream(...ends)
    .map((event) => reporter.on(event))
    .join('')
}

/** Checks that tags nest and that only known entities and characters occur; returns element names. */
function elements(text: string): readonly string[] {
  // eslint-disable-next-line no-control-regex -- XML forbids them
  assert.doesNotMatch(text, /[\x00-\x08\x0b\x0c\x0e-\x1f]|[\ud800-\udfff](?<![\ud800-\udbff])/u)
  const names: string[] = []
  const open: string[] = []
  const body = text.replace(/^<\?xml [^?]*\?>\n/, '')
  const token = /<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy
  let at = 0
  for (let found = token.exec(body); found !== null; found = token.exec(body)) {
    at = token.lastIndex
    const [, closing, name = '', , empty, chars] = found
    assert.doesNotMatch(found[0], /&(?!(amp|lt|gt|quot|#13);)/)
    if (chars !== undefined) continue
    if (closing === '/') assert.equal(open.pop(), name)
    else {
      names.push(name)
      if (empty !== '/') open.push(name)
    }
  }
  assert.equal(at, body.length, `not well formed at: ${body.slice(at, at + 60)}`)
  assert.deepEqual(open, [])
  return names
}

describe('the junit reporter', () => {
  it('writes a well-formed document whatever the texts hold', () => {
    const failure = { code: NASTY, message: NASTY, phase: NASTY, diff: NASTY, excerpt: NASTY }
    elements(
      document(
        caseEnd({ id: NASTY, scenario: NASTY, file: NASTY, target: NASTY, clauses: [NASTY] }),
        caseEnd({ verdict: 'fail', failures: [failure], rerun: NASTY }),
        caseEnd({ verdict: 'n/a', reason: NASTY }),
        caseEnd({ phases: [{ title: NASTY, text: NASTY }] }),
      ),
    )
  })

  it('makes a suite of a scenario and a test case of a case', () => {
    const names = elements(document(caseEnd(), caseEnd({ id: 'quorum/vote[mode=quorum]' }), FAILED))
    assert.equal(names.filter((name) => name === 'testsuite').length, 2)
    assert.equal(names.filter((name) => name === 'testcase').length, 3)
  })

  it('counts failures, errors and skipped cases', () => {
    const text = document(caseEnd(), FAILED, SKIPPED, caseEnd({ verdict: 'crash' }))
    assert.match(
      text,
      /<testsuites name="blockspec" tests="4" failures="1" errors="1" skipped="1" time="1.500">/,
    )
  })

  it('shows all failures of a case in its one failure element, with the rerun command', () => {
    const text = document(FAILED)
    assert.equal(text.match(/<failure /g)?.length, 1)
    assert.match(text, /expected EIO, got ok[^]*\+io {4}q0 read[^]*rerun: blockspec run/)
  })

  it('writes clauses and target as properties', () => {
    const text = document(caseEnd())
    assert.match(text, /<property name="clause" value="QUO-3"\/>/)
    assert.match(text, /<property name="target" value="engine"\/>/)
  })

  it('replaces what XML cannot hold', () => {
    assert.equal(xml('\u0000<&>"\ud800\r'), '\ufffd&lt;&amp;&gt;&quot;\ufffd&#13;')
  })
})
