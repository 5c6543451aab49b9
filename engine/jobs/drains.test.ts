/** What clients see of jobs while others are at work on their nodes; measured on 7.2. */
import assert from 'node:assert/strict'
import { addImage, chainWorld, CLUSTER } from './testing.ts'

const READER = { driver: 'compress', file: 'top', 'read-only': true }

/** The statuses that a ready commit of the active layer goes through meanwhile. */
async function statusesAt(command: string, args: object): Promise<readonly (string | undefined)[]> {
  const test = await chainWorld({ readOnly: ['mid'] })
  await test.run('block-commit', { 'job-id': 'j', device: 'top' })
  await test.run('blockdev-add', { ...READER, 'node-name': 'reader' })
  await test.until(async () => (await test.status('j')) === 'ready', 'ready')
  const before = test.events.length
  await test.run(command, args)
  return test.events.slice(before).map(({ data }) => data.status)
}

describe('a job that is ready', () => {
  it('goes on while a header that is written to anyway gets another backing image', async () => {
    const names = { device: 'reader', 'backing-file': 'x' }
    const args = { ...names, 'image-node-name': 'top' }
    assert.deepEqual(await statusesAt('change-backing-file', args), [])
  })

  it('pauses while a node is made that reads through its source', async () => {
    const args = { ...READER, 'node-name': 'other' }
    const twice = ['standby', 'ready', 'standby', 'ready']
    assert.deepEqual(await statusesAt('blockdev-add', args), twice)
  })

  it('pauses twice before its source is said not to be exported, and nobody uses it then', async () => {
    const test = await chainWorld()
    await test.run('block-commit', { 'job-id': 'j', device: 'top', 'base-node': 'mid' })
    await test.until(async () => (await test.status('j')) === 'ready', 'ready')
    const before = test.events.length
    const { graph, exports } = test.engine
    await assert.rejects(async () => exports.add({ type: 'nbd', id: 'e', 'node-name': 'top' }))
    assert.equal(graph.hasRootUser(graph.find('top')), false)
    await test.pass(0)
    const statuses = test.events.slice(before).map(({ data }) => data.status)
    assert.deepEqual(statuses, ['standby', 'ready', 'standby', 'ready'])
  })

  it('goes on where the filter of another job above its source cannot be made', async () => {
    const test = await chainWorld()
    const fixed = { driver: 'copy-on-read', 'node-name': 'fixed', file: 'top', bottom: 'mid' }
    await test.run('blockdev-add', fixed)
    await test.run('blockdev-add', { driver: 'null-co', 'node-name': 'copy', size: 20 * CLUSTER })
    const mirror = { 'job-id': 'j', device: 'fixed', target: 'copy', sync: 'top' }
    await test.run('blockdev-mirror', mirror)
    await test.until(async () => (await test.status('j')) === 'ready', 'ready')
    const before = test.events.length
    const refusal = await test.tryTo('block-stream', { 'job-id': 'k', device: 'top' })
    assert.match(refusal ?? '', /^Could not create node: /)
    assert.deepEqual(test.events.slice(before), [])
  })
})

describe('jobs on a node that is exported in a thread', () => {
  const exported = { type: 'nbd', id: 'e', 'node-name': 'top', iothread: 't' }
  const serving = { addr: { type: 'unix', data: { path: 'socket' } } }

  /** The statuses of a job that is at rest on `top`: while it is exported, and while that ends. */
  async function statuses(
    start: (test: Awaited<ReturnType<typeof chainWorld>>) => Promise<void>,
    serves: boolean,
  ): Promise<readonly string[]> {
    const test = await chainWorld()
    await test.run('object-add', { 'qom-type': 'iothread', id: 't' })
    await test.run('blockdev-add', { driver: 'null-co', 'node-name': 'copy', size: 20 * CLUSTER })
    await start(test)
    if (serves) await test.run('nbd-server-start', serving)
    const told: string[] = []
    const note = async (command: string, args: object): Promise<void> => {
      const before = test.events.length
      await test.tryTo(command, args)
      await test.pass(1)
      const fresh = test.events.slice(before).flatMap(({ data }) => data.status ?? [])
      told.push(fresh.join(' '))
    }
    await note('block-export-add', exported)
    if (serves) await note('block-export-del', { id: 'e' })
    return told
  }

  const mirror = async (test: Awaited<ReturnType<typeof chainWorld>>): Promise<void> => {
    const args = { 'job-id': 'j', device: 'top', target: 'copy', sync: 'top' }
    await test.run('blockdev-mirror', args)
    await test.until(async () => (await test.status('j')) === 'ready', 'ready')
  }
  const backup = async (test: Awaited<ReturnType<typeof chainWorld>>): Promise<void> => {
    const args = { 'job-id': 'j', device: 'top', target: 'copy', sync: 'none' }
    await test.run('blockdev-backup', args)
  }
  const paused = (times: number): string => Array(times).fill('paused running').join(' ')

  it('pause once when it moves there, and once more when it leaves and moves back', async () => {
    assert.deepEqual(await statuses(backup, true), [paused(1), paused(3)])
  })

  it('pause there and back when the export is refused after it has moved', async () => {
    assert.deepEqual(await statuses(backup, false), [paused(4)])
  })

  it('go on only behind the command where it is enough that they are paused', async () => {
    assert.deepEqual(await statuses(mirror, true), ['standby ready', 'standby ready'])
    assert.deepEqual(await statuses(mirror, false), ['standby ready'])
  })
})

/** How often a backup of `base` pauses, which is in a thread with all that hangs together with it. */
async function pausesAt(command: string, args: object, thread: string | null): Promise<number> {
  const test = await chainWorld({ readOnly: ['base', 'mid'] })
  const size = 20 * CLUSTER
  for (const name of ['copy', 'other']) {
    await test.run('blockdev-add', { driver: 'null-co', 'node-name': name, size })
  }
  await addImage(test, 'overlay', { size, clusterBytes: CLUSTER })
  await test.run('object-add', { 'qom-type': 'iothread', id: 't' })
  await test.run('blockdev-backup', { 'job-id': 'j', device: 'base', target: 'copy', sync: 'none' })
  await test.run('x-blockdev-set-iothread', { 'node-name': 'base', iothread: thread })
  const before = test.events.length
  await test.tryTo(command, args)
  const later = test.events.slice(before).filter(({ data }) => data.id === 'j')
  return later.filter(({ data }) => data.status === 'paused').length
}

describe('a backup in a thread', () => {
  it('pauses once more when an overlay of the main thread comes above its nodes', async () => {
    const args = { node: 'top', overlay: 'overlay' }
    assert.equal(await pausesAt('blockdev-snapshot', args, null), 2)
    assert.equal(await pausesAt('blockdev-snapshot', args, 't'), 3)
  })

  it('pauses once more when its nodes become a target, even of a job that is refused', async () => {
    const args = { 'job-id': 'k', device: 'other', target: 'top', sync: 'bitmap' }
    assert.equal(await pausesAt('blockdev-backup', args, null), 1)
    assert.equal(await pausesAt('blockdev-backup', args, 't'), 2)
  })
})
