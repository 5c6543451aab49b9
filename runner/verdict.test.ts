/** Verdicts: what passes, what is a known difference, and when a known difference goes red. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  addDivergence,
  type Divergence,
  DivergenceError,
  entriesFor,
  loadDivergences,
  removeDivergence,
  staleEntries,
} from './divergences.ts'
import type { Played } from './execute.ts'
import { scenarioOf, withSteps } from './test-plan.ts'
import { judge } from './verdict.ts'

const GOLDEN = '== one\nqmp   a => ok\n'
const OTHER = '== one\nqmp   a => GenericError\n'
const PIN = '@@ == one\n-qmp   a => ok\n+qmp   a => GenericError\n'

function played(more: Partial<Played> = {}): Played {
  return {
    end: 'done',
    transcript: GOLDEN,
    phases: [],
    failures: [],
    failedSteps: [],
    normalised: {},
    ...more,
  }
}

function entry(more: Partial<Divergence>): Divergence {
  return {
    scenario: 'a',
    case: '*',
    claims: [],
    why: 'so',
    owner: 'me',
    place: 'd.yaml:1',
    ...more,
  }
}

function verdict(
  what: Played,
  entries: readonly Divergence[] = [],
  golden: string | null | undefined = GOLDEN,
): string {
  return judge(what, { golden, entries, version: '7.2.22' }).verdict
}

describe('a verdict', () => {
  it('is pass when the transcript is the golden', () => {
    assert.equal(verdict(played()), 'pass')
  })

  it('is fail when it is not, with a diff', () => {
    const judged = judge(played({ transcript: OTHER }), {
      golden: GOLDEN,
      entries: [],
      version: '1',
    })
    assert.equal(judged.verdict, 'fail')
    assert.match(judged.failures[0]?.diff ?? '', /^-qmp {3}a => ok$/m)
  })

  it('is pending without a golden, and pass when goldens are off', () => {
    assert.equal(
      judge(played(), { golden: undefined, entries: [], version: '1' }).verdict,
      'pending',
    )
    assert.equal(verdict(played(), [], null), 'pass')
  })

  it('is diverged when exactly the pinned lines differ', () => {
    assert.equal(verdict(played({ transcript: OTHER }), [entry({ expect: PIN })]), 'diverged')
  })

  it('is healed when the pinned difference is gone', () => {
    assert.equal(verdict(played(), [entry({ expect: PIN })]), 'healed')
  })

  it('is diverged differently when other lines differ too', () => {
    const more = `${OTHER}qmp   b => ok\n`
    assert.equal(
      verdict(played({ transcript: more }), [entry({ expect: PIN })]),
      'diverged-differently',
    )
    const elsewhere = `${OTHER}\n== two\nqmp   b => ok\n`
    assert.equal(
      verdict(played({ transcript: elsewhere }), [entry({ expect: PIN })]),
      'diverged-differently',
    )
  })

  it('joins entries that pin different phases', () => {
    const both = '== one\nqmp   a => GenericError\n\n== two\nqmp   b => ok\n'
    const entries = [
      entry({ expect: PIN }),
      entry({ expect: '@@ == two\n+== two\n+qmp   b => ok\n' }),
    ]
    assert.equal(verdict(played({ transcript: both }), entries), 'diverged')
  })

  it('names the entries that were found as pinned, and what they excuse', () => {
    const failure = { code: 'claim', message: 'no', phase: 'one', step: 's1' }
    const pin = entry({ expect: PIN })
    const claim = entry({ claims: ['s1'] })
    const both = judge(played({ transcript: OTHER, failures: [failure], failedSteps: ['s1'] }), {
      golden: GOLDEN,
      entries: [pin, claim],
      version: '7.2.22',
    })
    assert.equal(both.verdict, 'diverged')
    assert.deepEqual(both.known, [pin, claim])
    assert.deepEqual(both.excused, [failure])
    const death = entry({ crash: 'SIGABRT at qmp a' })
    const dead = judge(played({ end: 'crash', crash: 'SIGABRT at qmp a', failures: [failure] }), {
      golden: GOLDEN,
      entries: [death],
      version: '7.2.22',
    })
    assert.deepEqual([dead.verdict, dead.known, dead.excused], ['diverged', [death], [failure]])
  })

  it('excuses the claims of a named step, and goes red when they hold', () => {
    const failure = { code: 'claim', message: 'no', phase: 'one', step: 's1' }
    const failing = played({ end: 'failed', failures: [failure], failedSteps: ['s1'] })
    assert.equal(verdict(failing), 'fail')
    assert.equal(verdict(failing, [entry({ claims: ['s1'] })]), 'diverged')
    assert.equal(verdict(played(), [entry({ claims: ['s1'] })]), 'healed')
    const other = { ...failure, step: 's2' }
    const two = played({ end: 'failed', failures: [failure, other], failedSteps: ['s1', 's2'] })
    assert.equal(verdict(two, [entry({ claims: ['s1'] })]), 'fail')
  })

  it('knows a pinned death, and goes red when the target lives', () => {
    const dead = played({ end: 'crash', crash: 'SIGABRT at qmp blockdev-reopen' })
    assert.equal(verdict(dead), 'crash')
    assert.equal(verdict(dead, [entry({ crash: 'SIGABRT at qmp blockdev-reopen' })]), 'diverged')
    assert.equal(verdict(dead, [entry({ crash: 'SIGSEGV at qmp x' })]), 'crash')
    assert.equal(verdict(played(), [entry({ crash: 'SIGABRT at qmp blockdev-reopen' })]), 'healed')
  })

  it('know a target that answers no more by where it fell silent', () => {
    const silent = played({ end: 'timeout', crash: 'no answer at node n' })
    assert.equal(verdict(silent), 'timeout')
    assert.equal(verdict(silent, [entry({ crash: 'no answer at node n' })]), 'diverged')
    assert.equal(verdict(silent, [entry({ crash: 'no answer at node m' })]), 'timeout')
  })

  it('is fail when an entry has expired', () => {
    assert.equal(
      verdict(played({ transcript: OTHER }), [entry({ expect: PIN, until: '7.2' })]),
      'fail',
    )
  })

  it('keeps a timeout a timeout', () => {
    assert.equal(verdict(played({ end: 'timeout' }), [entry({ expect: PIN })]), 'timeout')
  })
})

describe('a file of divergences', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockspec-test-'))
    path = join(folder, 'divergences.yaml')
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  it('has no entries when it does not exist', () => {
    assert.deepEqual(loadDivergences(path).entries, [])
  })

  it('demands a reason and an owner, with the place of each problem', () => {
    writeFileSync(
      path,
      'entries:\n  - scenario: a\n    expect: x\n    owner: me\n  - {scenario: b, what: x}\n',
    )
    assert.throws(
      () => loadDivergences(path),
      (error: unknown) => {
        assert.ok(error instanceof DivergenceError)
        assert.match(error.message, /divergences\.yaml:2:5: 'why' is missing/)
        assert.match(error.message, /divergences\.yaml:5:5: unknown key 'what'/)
        return true
      },
    )
  })

  it('keeps comments when entries come and go', () => {
    writeFileSync(
      path,
      '# settled with the block team\nentries:\n  # first\n  - {scenario: a, crash: x at y, why: w, owner: o}\n',
    )
    addDivergence(path, { scenario: 'b', case: 'mode=x', expect: PIN, why: 'w', owner: 'o' })
    assert.equal(loadDivergences(path).entries.length, 2)
    assert.equal(removeDivergence(path, 'b'), 1)
    assert.match(readFileSync(path, 'utf8'), /# settled with the block team[^]*# first/)
  })

  it('chooses entries by patterns of scenario and case, profile and kind', () => {
    writeFileSync(
      path,
      [
        'entries:',
        '  - {scenario: "quorum/*", crash: x at y, why: w, owner: o}',
        '  - {scenario: quorum/vote, case: "mode=f*", crash: x at y, why: w, owner: o}',
        '  - {scenario: quorum/vote, kind: system, crash: x at y, why: w, owner: o}',
      ].join('\n'),
    )
    const file = loadDivergences(path)
    const count = (id: string, kind: string): number =>
      entriesFor(file, 'quorum/vote', id, 'qemu', kind).length
    assert.equal(count('quorum/vote[mode=fifo]', 'qsd'), 2)
    assert.equal(count('quorum/vote[mode=quorum]', 'qsd'), 1)
    assert.equal(count('quorum/vote', 'system'), 2)
  })

  it('is stale where it names what no longer exists', () => {
    const scenario = scenarioOf(withSteps('- phase: one\n- qmp: {query-block: {}}\n  id: s1'))
    const lines = [
      `{scenario: ${scenario.id}, expect: "@@ == one\\n+x", why: w, owner: o}`,
      '{scenario: gone, crash: x at y, why: w, owner: o}',
      `{scenario: ${scenario.id}, case: "a=b", crash: x at y, why: w, owner: o}`,
      `{scenario: ${scenario.id}, expect: "@@ == two\\n+x", why: w, owner: o}`,
      `{scenario: ${scenario.id}, claims: [s2], why: w, owner: o}`,
    ]
    writeFileSync(path, `entries:\n${lines.map((line) => `  - ${line}`).join('\n')}\n`)
    const stale = staleEntries(loadDivergences(path), [scenario])
    assert.deepEqual(
      stale.map((text) => text.replace(/^.*yaml:(\d+): /, '$1 ')),
      [
        "3 no scenario is named 'gone'",
        "4 no case of 'test/case' is 'a=b'",
        "5 no phase is named 'two'",
        "6 no step has the id 's2'",
      ],
    )
  })
})
