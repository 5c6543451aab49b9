/** Tests of voting. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { vote } from './vote.ts'

const ballots = (answers: readonly string[]) =>
  answers.map((answer, voter) => [voter, answer] as const)
const isSame = (left: string, right: string): boolean => left === right

describe('a vote', () => {
  it('goes to the answer that most give, and names the others newest first', () => {
    assert.deepEqual(vote(ballots(['a', 'b', 'a', 'c']), isSame), {
      winner: 'a',
      votes: 2,
      losers: [3, 1],
    })
  })

  it('goes to the answer that came up last when several have as many', () => {
    assert.deepEqual(vote(ballots(['x', 'y', 'z']), isSame), {
      winner: 'z',
      votes: 1,
      losers: [1, 0],
    })
  })

  it('has no outcome without voters', () => {
    assert.equal(vote([], isSame), undefined)
  })

  it('counts as a table of counts does', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }), (answers) => {
        const count = (answer: string) => answers.filter((other) => other === answer).length
        const outcome = vote(ballots(answers), isSame)
        assert.ok(outcome !== undefined)
        assert.equal(outcome.votes, Math.max(...answers.map(count)))
        assert.equal(count(outcome.winner), outcome.votes)
        assert.deepEqual(
          outcome.losers.toSorted((left, right) => left - right),
          answers.flatMap((answer, voter) => (answer === outcome.winner ? [] : [voter])),
        )
      }),
    )
  })
})
