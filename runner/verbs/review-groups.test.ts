/** Tests of what a reviewer decides on, and what the decisions mean for whole goldens. */
import assert from 'node:assert/strict'
import type { PendingGolden } from '../store.ts'
import { decisions, verdictOf, type Answer } from './review-groups.ts'

function golden(scenario: string, before: string, ...hashes: readonly string[]): PendingGolden {
  return {
    scenario,
    profile: 'qemu',
    path: `${scenario}.golden`,
    cases: [],
    before,
    after: 'after',
    hunks: hashes.map((hash) => ({ hash, heading: '== p', text: `+${hash}` })),
  }
}

const answers = (given: Record<string, Answer>) => new Map(Object.entries(given))

describe('a review', () => {
  it('asks once about equal differences in many goldens', () => {
    const list = decisions([golden('a', 'x', 'h1', 'h2'), golden('b', 'x', 'h1')])
    assert.deepEqual(
      list.map(({ hash, goldens }) => [hash, goldens.map(({ scenario }) => scenario)]),
      [
        ['h1', ['a', 'b']],
        ['h2', ['a']],
      ],
    )
  })

  it('asks once about a golden that is wholly new, and shows all of it', () => {
    const list = decisions([golden('a', '', 'h1', 'h2'), golden('b', '', 'h1')])
    assert.deepEqual(
      list.map(({ isNew, text }) => [isNew, text]),
      [
        [true, 'after'],
        [true, 'after'],
      ],
    )
  })

  it('accepts a golden only when all of its differences were accepted', () => {
    const one = golden('a', 'x', 'h1', 'h2')
    assert.equal(verdictOf(one, answers({ h1: 'accept', h2: 'accept' })), 'accept')
    assert.equal(verdictOf(one, answers({ h1: 'accept', h2: 'skip' })), 'skip')
    assert.equal(verdictOf(one, answers({ h1: 'accept' })), 'skip')
  })

  it('rejects a golden when any of its differences was rejected', () => {
    const one = golden('a', 'x', 'h1', 'h2')
    assert.equal(verdictOf(one, answers({ h1: 'accept', h2: 'reject' })), 'reject')
  })
})
