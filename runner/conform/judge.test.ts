/** Tests of what a case says of a clause, and of the cell that comes out. */
import assert from 'node:assert/strict'
import { caseEnd } from '../report/fixtures.ts'
import type { CaseEnd, Failure } from '../report/event.ts'
import { buildMatrix, judgeCell } from './judge.ts'
import { contractOn, outcomeOf } from './outcome.ts'
import { clause, column, scenario, smallMatrix } from './testing.ts'

function failure(more: Partial<Failure> = {}): Failure {
  return { code: 'reply', message: 'expected ok, got GenericError', phase: 'one', ...more }
}

function failed(...failures: readonly Failure[]): CaseEnd {
  return caseEnd({ verdict: 'fail', failures })
}

const GOLDEN = failure({ code: 'golden', diff: '@@ == one\n-a\n+b' })

describe('what a case says of a target', () => {
  const levels = (end: CaseEnd) => {
    const { contract, transcript, unexpected } = outcomeOf(end, true)
    return [contract, transcript, unexpected]
  }

  for (const [name, end, expected] of [
    ['a pass', caseEnd(), ['holds', 'same', false]],
    ['a failed claim', failed(failure()), ['differs', 'none', true]],
    ['another transcript', failed(GOLDEN), ['holds', 'other', true]],
    [
      'a pinned difference',
      caseEnd({ verdict: 'diverged', known: [{ why: 'so', owner: 'me', expect: '-a' }] }),
      ['holds', 'known', false],
    ],
    [
      'an excused claim',
      caseEnd({
        verdict: 'diverged',
        known: [{ why: 'so', owner: 'me' }],
        excused: [failure({ step: 's' })],
      }),
      ['differs', 'same', false],
    ],
    [
      'a known death',
      caseEnd({ verdict: 'diverged', death: 'SIGABRT at io a', excused: [failure()] }),
      ['crashes', 'none', false],
    ],
    [
      'an unknown death',
      caseEnd({ verdict: 'crash', death: 'SIGSEGV at qmp x' }),
      ['crashes', 'none', true],
    ],
    [
      'a known hang',
      caseEnd({ verdict: 'diverged', death: 'no answer at io a' }),
      ['hangs', 'none', false],
    ],
    ['what takes too long', caseEnd({ verdict: 'timeout' }), ['hangs', 'none', true]],
    [
      'a known death that is gone',
      caseEnd({ verdict: 'healed', failures: [failure({ code: 'healed' })] }),
      ['holds', 'same', true],
    ],
    ['what cannot be played', caseEnd({ verdict: 'error' }), ['error', 'none', true]],
    [
      'what does not apply',
      caseEnd({ verdict: 'n/a', reason: 'no driver.x' }),
      ['not-applicable', 'none', false],
    ],
    ['a missing golden', caseEnd({ verdict: 'pending' }), ['holds', 'none', true]],
  ] as const) {
    it(`tells ${name}`, () => {
      assert.deepEqual(levels(end), expected)
    })
  }

  it('takes waiting in vain for a difference, and no answer for a hang', () => {
    const ended = (death: string) =>
      outcomeOf(
        caseEnd({
          verdict: 'timeout',
          death,
          failures: [failure({ code: 'deadline' })],
        }),
        true,
      ).contract
    assert.equal(ended('no answer at wait job j ready'), 'differs')
    assert.equal(ended('no answer at qmp query-jobs'), 'hangs')
  })

  it('says nothing of transcripts where none was compared', () => {
    assert.equal(outcomeOf(caseEnd(), false).transcript, 'none')
  })
})

describe('what a case says of a clause', () => {
  const on = (id: string, ...failures: readonly Failure[]) =>
    contractOn(outcomeOf(failed(...failures), true), id)

  it('holds where only steps about other clauses failed', () => {
    assert.equal(on('QUO-1', failure({ clause: 'QUO-2' })), 'holds')
    assert.equal(on('QUO-2', failure({ clause: 'QUO-2' })), 'differs')
  })

  it('differs where a step failed that names no clause', () => {
    assert.equal(on('QUO-1', failure()), 'differs')
  })

  it('differs where the case could not be played on, whatever clause the step names', () => {
    assert.equal(on('QUO-1', failure({ code: 'step', clause: 'QUO-2' })), 'differs')
  })
})

describe('a cell', () => {
  const state = (...ends: readonly CaseEnd[]) =>
    judgeCell(
      clause('QUO-3'),
      'qemu',
      ends.map((end) => outcomeOf(end, true)),
    ).state
  const skipped = caseEnd({ verdict: 'n/a' })
  const dead = caseEnd({ verdict: 'crash', death: 'SIGABRT at qmp x' })

  it('conforms where every case that can be played holds', () => {
    assert.equal(state(caseEnd(), skipped), 'conforms')
  })

  it('conforms in part where some hold, and differs where none does', () => {
    assert.equal(state(caseEnd(), failed(failure())), 'in-part')
    assert.equal(state(failed(failure()), skipped), 'differs')
  })

  it('crashes where one case ends the target, whatever the others do', () => {
    assert.equal(state(caseEnd(), failed(failure()), dead), 'crashes')
    assert.equal(state(caseEnd(), caseEnd({ verdict: 'timeout' })), 'hangs')
  })

  it('does not apply where no case can be played', () => {
    assert.equal(state(skipped), 'not-applicable')
  })

  it('counts cases whose claims hold and whose transcripts are others', () => {
    const known = [{ why: 'so', owner: 'me', expect: '-a' }]
    const outcomes = [caseEnd({ verdict: 'diverged', known }), failed(GOLDEN), caseEnd()]
    const cell = judgeCell(
      clause('QUO-3'),
      'qemu',
      outcomes.map((end) => outcomeOf(end, true)),
    )
    assert.deepEqual([cell.state, cell.otherwise], ['conforms', 2])
  })

  it('without cases says why there are none', () => {
    assert.equal(judgeCell(clause('A-1', { profiles: ['note'] }), 'qemu', []).state, 'silent')
    assert.equal(judgeCell(clause('A-1', { seenBy: 'a test' }), 'qemu', []).state, 'by-test')
    assert.equal(judgeCell(clause('A-1'), 'qemu', []).state, 'unseen')
  })
})

describe('a matrix', () => {
  it('has a row for each clause and a cell for each column', () => {
    const { sections } = smallMatrix()
    const states = sections.map(({ title, rows }) => [
      title,
      ...rows.map((row) => [row.clause.id, ...row.cells.map((cell) => cell.state)]),
    ])
    assert.deepEqual(states, [
      [
        'Quorum',
        ['QUO-1', 'conforms', 'conforms', 'conforms', 'conforms'],
        ['QUO-2', 'conforms', 'crashes', 'conforms', 'crashes'],
        ['QUO-3', 'conforms', 'conforms', 'unseen', 'unseen'],
      ],
      [
        'Reopen & <more>',
        ['REO-1', 'silent', 'silent', 'conforms', 'differs'],
        ['REO-2', 'by-test', 'by-test', 'by-test', 'by-test'],
      ],
    ])
  })

  it('counts the states of a column', () => {
    const { totals } = smallMatrix()
    assert.deepEqual(
      totals.map(({ conforms, crashes, differs }) => [conforms, crashes, differs]),
      [
        [3, 0, 0],
        [2, 1, 0],
        [3, 0, 0],
        [1, 1, 1],
      ],
    )
  })

  it('asks each column only for scenarios of its profile', () => {
    const ends = [caseEnd({ id: 'a/x', scenario: 'a/x' })]
    const matrix = buildMatrix(
      [clause('QUO-1')],
      [scenario('a/x', ['QUO-1'], ['qemu'])],
      [column('engine', 'qemu', ends), column('engine', 'note', ends)],
    )
    const [row] = matrix.sections[0]?.rows ?? []
    assert.deepEqual(
      row?.cells.map(({ state }) => state),
      ['conforms', 'unseen'],
    )
  })
})
