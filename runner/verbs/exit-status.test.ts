/** Tests of the way from verdicts to an exit status. */
import assert from 'node:assert/strict'
import { exitStatus, parseLimit, type Outcome } from './exit-status.ts'

const GOOD: Outcome = {
  verdicts: { pass: 8, 'n/a': 2 },
  cases: 10,
  missing: 0,
  golden: 'check',
  signal: undefined,
  maxNotApplicable: undefined,
  failOnFlaky: false,
}

const status = (change: Partial<Outcome>): number => exitStatus({ ...GOOD, ...change }).status

describe('the exit status of a run', () => {
  it('is 0 for passes, known divergences and what is not applicable', () => {
    assert.equal(status({ verdicts: { pass: 1, diverged: 1, 'n/a': 1 } }), 0)
  })

  for (const verdict of ['fail', 'crash', 'timeout', 'healed', 'diverged-differently'] as const) {
    it(`is 1 for ${verdict}`, () => {
      assert.equal(status({ verdicts: { pass: 9, [verdict]: 1 } }), 1)
    })
  }

  it('is 1 for a missing golden only where goldens are checked', () => {
    assert.equal(status({ verdicts: { pending: 1 } }), 1)
    assert.equal(status({ verdicts: { pending: 1 }, golden: 'pending' }), 0)
  })

  it('is 3 if the environment alone was at fault, 1 if something failed too', () => {
    assert.equal(status({ verdicts: { pass: 1, error: 1 } }), 3)
    assert.equal(status({ verdicts: { fail: 1, error: 1 } }), 1)
  })

  it('is 1 if selected cases were not played', () => {
    assert.equal(status({ missing: 3 }), 1)
  })

  it('is 6 above the limit of cases that are not applicable', () => {
    assert.equal(status({ maxNotApplicable: parseLimit('1') }), 6)
    assert.equal(status({ maxNotApplicable: parseLimit('2') }), 0)
    assert.equal(status({ maxNotApplicable: parseLimit('19%') }), 6)
    assert.equal(status({ maxNotApplicable: parseLimit('20%') }), 0)
  })

  it('is 5 for flaky cases only if asked', () => {
    assert.equal(status({ verdicts: { flaky: 1 } }), 0)
    assert.equal(status({ verdicts: { flaky: 1 }, failOnFlaky: true }), 5)
  })

  it('is 130 or 143 after a signal, whatever else happened', () => {
    assert.equal(status({ signal: 'SIGINT', verdicts: { fail: 1 } }), 130)
    assert.equal(status({ signal: 'SIGTERM' }), 143)
  })

  it('refuses limits that are no number or share', () => {
    for (const text of ['', '-1', '1.5', 'x', '10%%']) {
      assert.throws(() => parseLimit(text), { name: 'CommandError' })
    }
  })
})
