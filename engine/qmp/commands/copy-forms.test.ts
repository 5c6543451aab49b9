/** The older commands that copy: what they say, said to `blockdev-copy`, does the same. */
import assert from 'node:assert/strict'
import { createSimHost } from '../../host/sim/index.ts'
import { testEngine } from '../testing.ts'

const NODES = ['a', 'b', 'base', 'top'] as const

const ENDED = 'concluded'

/** Starts a job over fresh nodes, lets it end, and tells everything but what the job is called. */
async function told(command: string, args: object): Promise<unknown> {
  const { monitor } = testEngine(1, createSimHost({ seed: 1 }), 'note-transition')
  const client = await monitor()
  for (const name of NODES) {
    const filename = `/${name}`
    const size = 1 << 20
    await client.run('blockdev-create', {
      'job-id': name,
      options: { driver: 'file', filename, size },
    })
    await client.run('blockdev-add', { driver: 'file', filename, 'node-name': `${name}-f` })
    await client.run('blockdev-create', {
      'job-id': `${name}-q`,
      options: { driver: 'qcow2', file: `${name}-f`, size },
    })
    await client.run('blockdev-add', {
      driver: 'qcow2',
      'node-name': name,
      file: `${name}-f`,
      ...(name === 'top' ? { backing: 'base' } : {}),
    })
  }
  const lines = [...(await client.run(command, { 'job-id': 'j', 'auto-dismiss': false, ...args }))]
  const graphs = [await client.run('query-block-graph')]
  for (let turn = 0; turn < 10 && !lines.some((line) => line.includes(ENDED)); turn++) {
    lines.push(...(await client.run('job-complete', { id: 'j' })))
    lines.push(...(await client.run('query-jobs')))
  }
  graphs.push(await client.run('query-block-graph'))
  return JSON.parse(
    JSON.stringify({ lines, graphs })
      .replaceAll(/\\"type\\": \\"(?:backup|mirror|commit|copy)\\"/gu, 'type')
      .replaceAll(/"timestamp": \{[^}]*\}/gu, ''),
  ) as unknown
}

describe('an older command that copies', () => {
  const BEFORE = { 'copy-mode': 'before-write/active' }

  it('has the events and the graphs of a copy of what was, as a backup', async () => {
    const nodes = { target: 'b', sync: 'full' }
    assert.deepEqual(
      await told('blockdev-backup', { device: 'a', ...nodes }),
      await told('blockdev-copy', { source: 'a', ...nodes, ...BEFORE }),
    )
  })

  it('has those of a copy that waits to be completed, as a mirror', async () => {
    const nodes = { target: 'b', sync: 'full' }
    assert.deepEqual(
      await told('blockdev-mirror', { device: 'a', ...nodes }),
      await told('blockdev-copy', { source: 'a', ...nodes }),
    )
  })

  it('has those of a copy into the own chain, as a commit', async () => {
    assert.deepEqual(
      await told('block-commit', { device: 'top' }),
      await told('blockdev-copy', { source: 'top', target: 'base', sync: 'full' }),
    )
  })
})
