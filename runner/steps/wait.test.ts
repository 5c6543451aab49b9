/** What scenarios may wait for, against what there is. */
import assert from 'node:assert/strict'
import { NEXT } from '../../engine/jobs/status.ts'
import { JOB_STATES } from './wait.ts'

describe('the statuses that a scenario can wait for', () => {
  it('are those of jobs, but the one before a job is made, and "gone"', () => {
    const statuses = Object.keys(NEXT).filter((status) => status !== 'undefined')
    assert.deepEqual(JOB_STATES, [...statuses, 'gone'])
  })
})
