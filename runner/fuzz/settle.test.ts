/** Between two steps every job is at rest. */
import assert from 'node:assert/strict'
import type { Value } from '../../dsl/plan.ts'
import type { Play } from '../play.ts'
import { JobSettler } from './settle.ts'
import type { FuzzStep, Members } from './step.ts'
import { engineTemplate, playSteps } from './testing.ts'

function command(name: string, args: Members): FuzzStep {
  return { kind: 'qmp', command: name, args }
}

const SIZE = { size: 1 << 20, 'read-zeroes': true }
const NODES = ['a', 'b'].map((name) =>
  command('blockdev-add', { driver: 'null-co', 'node-name': name, ...SIZE }),
)
const ENDS = { 'job-id': 'j', device: 'a', target: 'b', sync: 'full' }

/** The status of each job after the last of the steps, and the names of its events. */
async function after(...steps: readonly FuzzStep[]): Promise<readonly [string, string]> {
  const { records, ending } = await playSteps([...NODES, ...steps], await engineTemplate())
  assert.deepEqual(ending, { kind: 'done' })
  const last = records[NODES.length + steps.length - 1]
  const statuses = last?.jobs?.map(({ id, status }) => `${id} ${status}`) ?? []
  const names = [...(last?.parts.events ?? '').matchAll(/status = "?(\w+)/g)].map(
    ([, name]) => name,
  )
  return [statuses.join(', '), names.join(' ')]
}

const MIRROR = { id: 'j', type: 'mirror', 'current-progress': 512, 'total-progress': 512 }

/** How often a target with one mirror is looked at that is busy this often before it is gone. */
async function looks(busy: number): Promise<number> {
  let asked = 0
  const answer = (command: string): Value => {
    if (command === 'query-jobs') asked += 1
    if (asked > busy) return []
    if (command === 'query-jobs') return [{ ...MIRROR, status: 'ready' }]
    return command === 'query-block-jobs' ? [{ device: 'j', busy: true, speed: 0 }] : []
  }
  // All of it that settling makes use of.
  const play = {
    station: { host: { clock: { nowNs: () => 0 } } },
    session: { events: [], waitFor: () => Promise.resolve() },
    settle: () => Promise.resolve(),
    scaled: (ms: number) => ms,
    ask: (command: string) => Promise.resolve({ kind: 'return', value: answer(command) }),
  } as unknown as Play
  await new JobSettler(play).settle()
  return asked
}

describe('settling', () => {
  it('waits for a mirror that was told to end and is still writing back', async () => {
    assert.equal(await looks(5), 6)
  })

  it('sees a job to its end', async () => {
    assert.deepEqual(await after(command('blockdev-backup', ENDS)), [
      '',
      'created running paused running waiting pending concluded null',
    ])
  })

  it('sees a mirror until it is ready', async () => {
    assert.deepEqual(await after(command('blockdev-mirror', ENDS)), [
      'j ready',
      'created running ready',
    ])
  })

  it('leaves a job alone that its speed holds back', async () => {
    const [status] = await after(
      command('blockdev-mirror', { ...ENDS, device: 'b', target: 'a', speed: 1 }),
    )
    assert.equal(status, 'j running')
  })

  it('leaves a backup alone that waits for writes', async () => {
    const [status] = await after(command('blockdev-backup', { ...ENDS, sync: 'none' }))
    assert.equal(status, 'j running')
  })

  it('sees a job paused that was told to', async () => {
    const slow = command('blockdev-backup', { ...ENDS, sync: 'none' })
    assert.deepEqual(await after(slow, command('job-pause', { id: 'j' })), ['j paused', 'paused'])
  })

  it('sees what was written to a mirror copied', async () => {
    const ops = [{ verb: 'write', offset: 0, bytes: 512, byte: 1, fua: false }] as const
    const { records } = await playSteps(
      [...NODES, command('blockdev-mirror', ENDS), { kind: 'io', node: 'a', ops }],
      await engineTemplate(),
    )
    assert.match(records[3]?.parts.jobs ?? '', /current-progress = 1088k/)
    assert.doesNotMatch(records[3]?.parts.nodes ?? '', /dirty-bitmaps\[0\]\.count = [1-9]/)
  })
})
