/** What setups made, kept between stations of the simulated host. */
import assert from 'node:assert/strict'
import { createEngineTarget } from './engine.ts'
import type { SetupRecord, Station, StationOptions } from './target.ts'

const RECORD: SetupRecord = {
  facts: [{ kind: 'line', label: 'img', text: 'create' }],
  images: [{ name: 'base', format: 'raw' }],
  counts: { path: 1 },
}
const OPTIONS: StationOptions = { profile: 'qemu', time: 'virtual', seed: 1 }
const PATH = '/blockspec/base.img'

function write(station: Station, byte: number): void {
  const file = station.host.files.open(PATH, { write: true, create: true })
  void file.write(0, new Uint8Array(4096).fill(byte))
  file.close()
}

function read(station: Station): number | undefined {
  const into = new Uint8Array(1)
  const file = station.host.files.open(PATH, { write: false })
  void file.read(0, into)
  file.close()
  return into[0]
}

async function keep(station: Station, steps: string): Promise<void> {
  await station.play(async () => station.setups?.keep(steps, RECORD), 'keeping')
}

describe('kept setups', () => {
  it('give the next station the files as they were and what was kept with them', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const first = await target.open(OPTIONS)
    write(first, 1)
    await keep(first, 'steps')
    const second = await target.open(OPTIONS)
    assert.deepEqual(second.setups?.restore('steps'), RECORD)
    assert.equal(read(second), 1)
  })

  it('do not see what anybody writes later', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const first = await target.open(OPTIONS)
    write(first, 1)
    await keep(first, 'steps')
    write(first, 2)
    const second = await target.open(OPTIONS)
    second.setups?.restore('steps')
    write(second, 3)
    const third = await target.open(OPTIONS)
    third.setups?.restore('steps')
    assert.deepEqual([read(first), read(second), read(third)], [2, 3, 1])
  })

  it('outlive the station that made them', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const first = await target.open(OPTIONS)
    write(first, 1)
    await keep(first, 'steps')
    await first.close(false)
    const second = await target.open(OPTIONS)
    second.setups?.restore('steps')
    assert.equal(read(second), 1)
  })

  it('put random numbers where they were', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const first = await target.open(OPTIONS)
    first.host.random.below(100)
    await keep(first, 'steps')
    const second = await target.open(OPTIONS)
    second.setups?.restore('steps')
    const next = (station: Station): number => station.host.random.below(1_000_000)
    assert.equal(next(second), next(first))
  })

  it('are for stations that were made alike', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    await keep(await target.open(OPTIONS), 'steps')
    for (const other of [{ seed: 2 }, { profile: 'note' }, { directory: '/x' }] as const) {
      const station = await target.open({ ...OPTIONS, ...other })
      assert.equal(station.setups?.restore('steps'), undefined)
    }
  })

  it('are not for stations whose tasks are chosen from outside, nor for real hosts', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const chosen = await target.open({ ...OPTIONS, choose: () => 0 })
    const real = await target.open({ ...OPTIONS, time: 'real' })
    assert.deepEqual([chosen.setups, real.setups], [undefined, undefined])
    await real.close(false)
  })

  it('are forgotten when many others were used since', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const station = await target.open(OPTIONS)
    await keep(station, 'first')
    for (let index = 0; index < 32; index += 1) await keep(station, String(index))
    assert.equal(station.setups?.restore('first'), undefined)
  })

  it('are not made of large files', async () => {
    const target = createEngineTarget({ kind: 'engine', text: 'engine' })
    const station = await target.open(OPTIONS)
    const file = station.host.files.open(PATH, { write: true, create: true })
    file.allocate(0, 5 * 2 ** 20)
    file.close()
    await keep(station, 'steps')
    assert.equal(station.setups?.restore('steps'), undefined)
  })
})
