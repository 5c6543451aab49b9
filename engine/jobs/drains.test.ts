/** What clients see of jobs while others are at work on their nodes; measured on 7.2. */
import assert from 'node:assert/strict'
import { chainWorld } from './testing.ts'

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
})
