/** Job lanes: a life in one line, without excursions that nobody asked for. */
import assert from 'node:assert/strict'
import { Jobs } from './jobs.ts'
import type { QmpEvent } from './session.ts'

function status(id: string, state: string): QmpEvent {
  return { name: 'JOB_STATUS_CHANGE', data: { id, status: state }, index: 0 }
}

function feed(jobs: Jobs, id: string, ...states: readonly string[]): void {
  for (const state of states) jobs.take(id, status(id, state))
}

describe('a job lane', () => {
  it('is one line with the type of the command that started it', () => {
    const jobs = new Jobs(() => undefined)
    jobs.command('blockdev-create', { 'job-id': 'j' })
    feed(jobs, 'j', 'created', 'running', 'waiting', 'pending', 'concluded')
    const news = jobs.flush('j')
    assert.equal(news?.type, 'create')
    assert.deepEqual(news.states, ['created', 'running', 'waiting', 'pending', 'concluded'])
  })

  it('folds what drained sections do, and counts it', () => {
    let folded = 0
    const jobs = new Jobs((states) => {
      folded += states
    })
    feed(jobs, 'j', 'created', 'running', 'paused', 'running', 'ready', 'standby', 'ready')
    assert.deepEqual(jobs.flush('j')?.states, ['created', 'running', 'ready'])
    assert.equal(folded, 4)
  })

  it('folds what drained sections do to a job whose state was printed before', () => {
    const jobs = new Jobs(() => undefined)
    feed(jobs, 'j', 'created', 'running', 'ready')
    jobs.flush('j')
    feed(jobs, 'j', 'standby', 'ready', 'standby', 'ready', 'waiting')
    assert.deepEqual(jobs.flush('j')?.states, ['waiting'])
  })

  it('hands over its events about states too, each once', () => {
    const jobs = new Jobs(() => undefined)
    const ready = { name: 'BLOCK_JOB_READY', data: { device: 'j' }, index: 2 }
    feed(jobs, 'j', 'running', 'ready')
    jobs.take('j', ready)
    const news = jobs.flush('j')
    assert.deepEqual(news?.events, [ready])
    assert.deepEqual(news.told, [status('j', 'running'), status('j', 'ready'), ready])
    feed(jobs, 'j', 'waiting')
    assert.deepEqual(jobs.flush('j')?.told, [status('j', 'waiting')])
  })

  it('keeps a pause that the scenario asked for', () => {
    const jobs = new Jobs(() => undefined)
    jobs.command('job-pause', { id: 'j' })
    feed(jobs, 'j', 'running', 'paused', 'running')
    assert.deepEqual(jobs.flush('j')?.states, ['running', 'paused', 'running'])
  })

  it('folds what came before the pause that the scenario asked for', () => {
    const jobs = new Jobs(() => undefined)
    feed(jobs, 'j', 'created', 'running', 'paused', 'running')
    jobs.command('job-pause', { id: 'j' })
    feed(jobs, 'j', 'paused', 'running')
    assert.deepEqual(jobs.flush('j')?.states, ['created', 'running', 'paused', 'running'])
  })

  it('has the type of the action that started it', () => {
    const jobs = new Jobs(() => undefined)
    const actions = [{ type: 'blockdev-backup', data: { 'job-id': 'j', device: 'a' } }]
    jobs.command('transaction', { actions })
    feed(jobs, 'j', 'created', 'running')
    assert.equal(jobs.flush('j')?.type, 'backup')
  })

  it('keeps a pause that does not end', () => {
    const jobs = new Jobs(() => undefined)
    feed(jobs, 'j', 'running', 'paused')
    assert.deepEqual(jobs.flush('j')?.states, ['running', 'paused'])
  })

  it('is taken up to a state, with what announces it, however far the job has got', () => {
    const jobs = new Jobs(() => undefined)
    const ready = { name: 'BLOCK_JOB_READY', data: { device: 'j' }, index: 2 }
    feed(jobs, 'j', 'created', 'running', 'paused', 'running', 'ready')
    jobs.take('j', ready)
    feed(jobs, 'j', 'waiting', 'pending', 'concluded', 'null')
    assert.ok(jobs.hasReached('j', ['ready']))
    const news = jobs.flush('j', ['ready'])
    assert.deepEqual(news?.states, ['created', 'running', 'ready'])
    assert.deepEqual(news.events, [ready])
    assert.ok(!jobs.hasReached('j', ['ready']))
    assert.deepEqual(jobs.flush('j', ['gone'])?.states, ['waiting', 'pending', 'concluded', 'null'])
  })

  it('has not reached a pause that is over', () => {
    const jobs = new Jobs(() => undefined)
    feed(jobs, 'j', 'created', 'running', 'paused', 'running')
    assert.ok(!jobs.hasReached('j', ['paused']))
    feed(jobs, 'j', 'paused')
    assert.ok(jobs.hasReached('j', ['paused']))
  })

  it('tells a job from a later one of the same name', () => {
    const jobs = new Jobs(() => undefined)
    feed(jobs, 'j', 'created', 'null', 'created', 'running')
    assert.deepEqual(jobs.flush('j', ['gone'])?.states, ['created', 'null'])
    assert.ok(!jobs.hasReached('j', ['gone']))
    assert.deepEqual(jobs.flush('j')?.states, ['created', 'running'])
  })

  it('does not take the end of an earlier job for that of the one just started', () => {
    const jobs = new Jobs(() => undefined)
    jobs.command('blockdev-backup', { 'job-id': 'j' })
    feed(jobs, 'j', 'created', 'null')
    jobs.command('block-stream', { 'job-id': 'j' })
    assert.equal(jobs.state('j'), undefined)
    feed(jobs, 'j', 'created', 'running')
    assert.ok(!jobs.hasReached('j', ['gone']))
    feed(jobs, 'j', 'concluded', 'null')
    assert.ok(jobs.hasReached('j', ['gone']))
    assert.deepEqual(jobs.flush('j', ['gone'])?.states, [
      'created',
      'null',
      'created',
      'running',
      'concluded',
      'null',
    ])
  })

  it('keeps later pauses apart when an event before them is taken out', () => {
    const jobs = new Jobs(() => undefined)
    const failed = { name: 'BLOCK_JOB_ERROR', data: { device: 'j' }, index: 2 }
    feed(jobs, 'j', 'running')
    jobs.take('j', failed)
    jobs.command('job-pause', { id: 'j' })
    feed(jobs, 'j', 'paused', 'running')
    jobs.takeEvent(failed)
    assert.deepEqual(jobs.flush('j')?.states, ['running', 'paused', 'running'])
  })

  it('knows when a job is gone, and when one was never heard of', () => {
    const jobs = new Jobs(() => undefined)
    assert.ok(jobs.hasReached('j', ['gone']))
    feed(jobs, 'j', 'running')
    assert.ok(!jobs.hasReached('j', ['gone']))
    feed(jobs, 'j', 'null')
    assert.ok(jobs.hasReached('j', ['gone']))
  })
})
