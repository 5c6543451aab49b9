/** Differences are cut at phases. */
import assert from 'node:assert/strict'
import { differences, hunkHash, pinText, unifiedDiff } from './compare.ts'

const OLD =
  '== setup\nqmp   a => ok\n\n== one\nqmp   b => ok\nqmp   c => ok\n\n== two\nqmp   d => ok\n'
const NEW =
  '== setup\nqmp   a => ok\n\n== one\nqmp   b => ok\nqmp   C => ok\n\n== two\nqmp   D => ok\n'

describe('a difference of transcripts', () => {
  it('is nothing for equal texts', () => {
    assert.equal(unifiedDiff(OLD, OLD), '')
  })

  it('has the phase as hunk heading and never crosses one', () => {
    assert.equal(
      unifiedDiff(OLD, NEW),
      [
        '@@ == one',
        ' == one',
        ' qmp   b => ok',
        '-qmp   c => ok',
        '+qmp   C => ok',
        '@@ == two',
        ' == two',
        '-qmp   d => ok',
        '+qmp   D => ok',
      ].join('\n'),
    )
  })

  it('is pinned without context, one hunk a phase', () => {
    assert.equal(
      pinText(OLD, NEW),
      '@@ == one\n-qmp   c => ok\n+qmp   C => ok\n@@ == two\n-qmp   d => ok\n+qmp   D => ok',
    )
  })

  it('has one hash for one change, wherever it happens', () => {
    const elsewhere = (text: string): string =>
      `== other\nqmp   z => ok\n${text.split('\n').slice(3, 6).join('\n')}\n`
    const [here] = differences(OLD, NEW, 3)
    const [there] = differences(elsewhere(OLD), elsewhere(NEW), 3)
    assert.ok(here !== undefined && there !== undefined)
    assert.equal(hunkHash(here), hunkHash(there))
  })
})
