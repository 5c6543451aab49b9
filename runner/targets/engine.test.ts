/** The built-in engine as a target: what its fence waits for. */
import assert from 'node:assert/strict'
import { Session } from '../session.ts'
import { createEngineTarget } from './engine.ts'
import type { StationOptions } from './target.ts'

const STATION: StationOptions = { profile: 'qemu', time: 'virtual', seed: 1 }

describe('the fence of the engine', () => {
  it('comes after what a command has caused, without a word on the wire', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const station = await target.open(STATION)
    await station.play(async () => {
      const { monitor, fence } = await station.start({ args: {}, compat: {} })
      const session = new Session(monitor, station.host.clock, fence)
      await session.negotiate(100)
      for (const name of ['source', 'target']) {
        const options = { driver: 'null-co', 'node-name': name, size: 65536 }
        await session.command('blockdev-add', options, 100)
      }
      const job = { 'job-id': 'j', device: 'source', target: 'target', sync: 'full' }
      await session.command('blockdev-backup', job, 100)
      await session.fence(100)
      assert.deepEqual(
        session.events.slice(0, 2).map(({ name }) => name),
        ['JOB_STATUS_CHANGE', 'JOB_STATUS_CHANGE'],
      )
      assert.doesNotMatch(session.dump(), /query-version/)
      session.close()
    }, 'the fence')
    await station.close(false)
  })

  it('is left to a command where somebody chooses among tasks', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const station = await target.open({ ...STATION, choose: () => 0 })
    await station.play(async () => {
      const { fence } = await station.start({ args: {}, compat: {} })
      assert.equal(fence, undefined)
    }, 'the fence')
    await station.close(false)
  })
})
