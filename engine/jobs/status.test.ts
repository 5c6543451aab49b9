/** Tests of the tables of a job's life. */
import assert from 'node:assert/strict'
import {
  ACCEPTS,
  assertTransition,
  checkVerb,
  isCompleted,
  NEXT,
  type JobStatus,
} from './status.ts'

describe('the life of a job', () => {
  it('leads from every status to the last one', () => {
    const reached = new Set<JobStatus>(['null'])
    const statuses = Object.keys(NEXT) as JobStatus[]
    for (const _ of statuses) {
      for (const status of statuses) {
        if (NEXT[status].some((next: JobStatus) => reached.has(next))) reached.add(status)
      }
    }
    assert.equal(reached.size, statuses.length)
  })

  it('takes a wrong move for a bug', () => {
    assertTransition('running', 'ready')
    assert.throws(() => {
      assertTransition('pending', 'running')
    }, /job cannot go from pending to running/)
  })

  it('refuses a verb at the wrong time, naming both', () => {
    checkVerb('j', 'ready', 'complete')
    assert.throws(
      () => {
        checkVerb('j', 'ready', 'finalize')
      },
      {
        name: 'BlockError',
        message: "Job 'j' in state 'ready' cannot accept command verb 'finalize'",
      },
    )
  })

  it('has no verb but dismissing for a job that is over', () => {
    const verbs = Object.entries(ACCEPTS).filter(([, when]) =>
      (when as readonly JobStatus[]).includes('concluded'),
    )
    assert.deepEqual(
      verbs.map(([verb]) => verb),
      ['dismiss'],
    )
    assert.ok(isCompleted('concluded') && !isCompleted('standby'))
  })
})
