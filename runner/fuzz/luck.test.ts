/** Tests of what is left out of the comparison, and of nothing else being left out. */
import assert from 'node:assert/strict'
import { Luck } from './luck.ts'

const NODES = 'query-named-block-nodes'
const BAD_COPY = 'event QUORUM_REPORT_BAD'
const LINES = [
  '.sector-num = 128',
  '.sectors-count = 8',
  '[0].data-file-raw = false',
  '.type = read',
]

function reopening(driver: string, file: unknown): [string, never] {
  return ['blockdev-reopen', { options: [{ driver, 'node-name': 'n', file }] } as never]
}

describe('what is up to luck', () => {
  it('is nothing before anything was done', () => {
    const luck = new Luck()
    for (const of of [NODES, BAD_COPY]) assert.deepEqual(luck.withoutLuck(LINES, of), LINES)
    assert.ok(!luck.isAll)
  })

  it('is the place of a bad copy while a job has several requests under way', () => {
    const luck = new Luck()
    luck.severalAtOnce()
    assert.deepEqual(luck.withoutLuck(LINES, BAD_COPY), LINES.slice(2))
    assert.deepEqual(luck.withoutLuck(LINES, 'event QUORUM_FAILURE'), LINES.slice(2))
    assert.deepEqual(luck.withoutLuck(LINES, 'event BLOCK_WRITE_THRESHOLD'), LINES)
  })

  it('is when a quorum tells of a node for the second time', () => {
    const luck = new Luck()
    const bad = (node: string) =>
      luck.isLimited({ name: 'QUORUM_REPORT_BAD', data: { 'node-name': node } } as never)
    assert.deepEqual(['a', 'b', 'a'].map(bad), [false, false, true])
  })

  it('is when a quorum without a winner is told of for the second time, whichever it is', () => {
    const luck = new Luck()
    const failure = (reference: string) =>
      luck.isLimited({ name: 'QUORUM_FAILURE', data: { reference } } as never)
    assert.deepEqual(['a', 'b'].map(failure), [false, true])
  })

  it('is how far a job with several requests under way had come when one failed', () => {
    const luck = new Luck()
    const failure = { name: 'BLOCK_JOB_ERROR', data: { device: 'j', action: 'report' } } as never
    const end = { name: 'BLOCK_JOB_COMPLETED', data: { device: 'j' } } as never
    const failed = ['.device = j', '.len = 8', '.offset = 4', '.error = Input/output error']
    const jobs = ['[0].current-progress = 1', '[1].current-progress = 2', '[1].error = bad']
    const of = 'event BLOCK_JOB_COMPLETED'
    assert.deepEqual(
      [failure, failure].map((each) => luck.isLimited(each)),
      [false, false],
    )
    assert.deepEqual(luck.withoutLuck(failed, of), failed)
    luck.severalAtOnce()
    assert.deepEqual(
      [failure, failure, end, failure].map((each) => luck.isLimited(each)),
      [false, true, false, false],
    )
    assert.deepEqual(luck.withoutLuck(failed, of), [failed[0], failed[3]])
    assert.deepEqual(luck.withoutLuck(failed.slice(0, 3), of), failed.slice(0, 3))
    assert.deepEqual(luck.withoutLuck(jobs, 'jobs'), [jobs[0], jobs[2]])
    const well = ['[0].status = concluded', '[0].current-progress = 1']
    assert.deepEqual(luck.withoutLuck(well, 'jobs'), well)
    const older = ['[0].status = concluded', '[0].len = 1']
    assert.deepEqual(luck.withoutLuck(older, 'jobs'), [older[0]])
  })

  it('is all there is once a qcow2 node was given another file', () => {
    const luck = new Luck()
    assert.ok(!luck.isAll)
    luck.note(...reopening('qcow2', 'other'))
    assert.ok(luck.isAll)
  })

  for (const [what, note] of [
    ['of another driver', reopening('raw', 'other')],
    ['that names no node', reopening('qcow2', { driver: 'file' })],
  ] as const) {
    it(`is not a reopening ${what}`, () => {
      const luck = new Luck()
      luck.note(...note)
      assert.ok(!luck.isAll)
    })
  }
})
