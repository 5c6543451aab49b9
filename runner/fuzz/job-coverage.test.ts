/** What a run has done with jobs. */
import assert from 'node:assert/strict'
import { JobCoverage } from './job-coverage.ts'
import type { StepRecord } from './record.ts'
import type { JobState } from './state.ts'
import type { FuzzStep, Members } from './step.ts'

function command(name: string, args: Members): FuzzStep {
  return { kind: 'qmp', command: name, args }
}

function record(accepted: boolean, ...jobs: readonly JobState[]): StepRecord {
  return { parts: {}, accepted, outcome: { kind: 'ok' }, jobs }
}

const MIRROR = { id: 'j', type: 'mirror', status: 'ready' }
const START = command('blockdev-mirror', { 'job-id': 'j' })

describe('coverage of jobs', () => {
  it('counts starts that were accepted, those of actions too', () => {
    const coverage = new JobCoverage()
    const action = { type: 'blockdev-backup', data: {} }
    coverage.add(
      [START, START, command('transaction', { actions: [action, action, { type: 'abort' }] })],
      [record(true), record(false), record(true)],
    )
    assert.deepEqual([coverage.started.get('mirror'), coverage.started.get('backup')], [1, 2])
  })

  it('counts a verb for the kind that the job has when it is asked', () => {
    const coverage = new JobCoverage()
    coverage.add(
      [START, command('job-pause', { id: 'j' }), command('block-job-pause', { device: 'j' })],
      [record(true, MIRROR), record(true, { ...MIRROR, status: 'standby' }), record(false, MIRROR)],
    )
    assert.deepEqual(coverage.verb('mirror', 'pause'), { count: 2, accepted: 1 })
  })

  it('does not count verbs for jobs that do not exist', () => {
    const coverage = new JobCoverage()
    coverage.add([START, command('job-cancel', { id: 'k' })], [record(true, MIRROR), record(false)])
    assert.deepEqual(coverage.verb('mirror', 'cancel'), { count: 0, accepted: 0 })
  })

  it('demands verbs where a kind takes them', () => {
    const subjects = new JobCoverage().demanded().map(({ subject }) => subject)
    assert.ok(subjects.includes('verb mirror.complete'))
    assert.ok(!subjects.includes('verb stream.complete'))
    assert.ok(!subjects.includes('verb create.finalize'))
  })
})
