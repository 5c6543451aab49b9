/** Tests of mirrors under writes of others, on storage that takes its time. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS, CONSISTENT_READ, WRITE } from '../../block/permission.ts'
import type { User } from '../../graph/graph.ts'
import { createPrng } from '../../host/sim/prng.ts'
import { testEngine, type TestMonitor } from '../../qmp/testing.ts'

const SIZE = 256 * 1024

interface World {
  readonly monitor: TestMonitor
  readonly guest: User
  readonly model: Uint8Array
  readonly content: (file: string) => Uint8Array
  readonly below: (bound: number) => number
  readonly pass: (ns: number) => Promise<void>
  readonly until: (work: Promise<void>) => Promise<void>
  readonly run: (command: string, args: object) => Promise<void>
  readonly statuses: () => Promise<string>
}

/** Source `a`, target `b`, and a guest at the source; every request of storage takes some time. */
async function world(seed: number): Promise<World> {
  const { host, engine, monitor: connect } = testEngine(seed)
  const below = createPrng(seed)
  const model = new Uint8Array(SIZE).map(() => below(256))
  host.files.put('a', model)
  host.files.put('b', new Uint8Array(SIZE).fill(0xee))
  const monitor = await connect()
  const run = async (command: string, args: object): Promise<void> => {
    const lines = await monitor.run(command, args)
    assert.ok(!lines.some((line) => line.includes('"error": {')), lines.join('\n'))
  }
  await run('blockdev-add', { driver: 'file', filename: 'a', 'node-name': 'a' })
  await run('blockdev-add', { driver: 'file', filename: 'b', 'node-name': 'b' })
  host.files.hook = ({ kind }) =>
    kind === 'read' || kind === 'write' ? { delayNs: below(2_000_000) } : undefined
  const claims = { uses: CONSISTENT_READ | WRITE, shares: ALL_PERMISSIONS }
  return {
    monitor,
    guest: engine.graph.attach(engine.graph.find('a'), claims),
    model,
    content: (file) => host.files.content(file),
    below,
    pass: (ns) => host.advance(ns),
    until: (work) => host.run(work),
    run,
    statuses: async () => (await monitor.run('query-jobs')).join(''),
  }
}

/** Writes, zeroes or discards somewhere; several may be under way. */
function change({ guest, model, below }: World): Promise<void> {
  const offset = below(SIZE / 512) * 512
  const bytes = Math.min(SIZE - offset, (1 + below(40)) * 512)
  const fill = 1 + below(255)
  if (below(4) === 0) {
    model.fill(0, offset, offset + bytes)
    return Promise.resolve(guest.zero(offset, bytes))
  }
  model.fill(fill, offset, offset + bytes)
  return Promise.resolve(guest.write(offset, new Uint8Array(bytes).fill(fill)))
}

/** Some changes, of which no two that overlap run beside each other. */
async function changes(about: World, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const changing = change(about)
    await about.pass(about.below(20_000_000))
    await about.until(changing)
  }
}

async function untilReady(about: World): Promise<void> {
  for (let tries = 0; tries < 1000; tries += 1) {
    if ((await about.statuses()).includes('"ready"')) return
    await about.pass(10_000_000)
  }
  assert.fail('the mirror never becomes ready')
}

describe('a mirror', () => {
  for (const mode of ['background', 'write-blocking']) {
    it(`has all that others write while it runs (${mode})`, async () => {
      for (let seed = 1; seed <= 12; seed += 1) {
        const about = await world(seed)
        await about.run('blockdev-mirror', {
          'job-id': 'm',
          device: 'a',
          target: 'b',
          sync: 'full',
          granularity: 4096,
          'buf-size': 32768,
          'copy-mode': mode,
        })
        await changes(about, 12)
        await untilReady(about)
        await changes(about, 5)
        await about.run('job-complete', { id: 'm' })
        for (let tries = 0; (await about.statuses()).includes('"m"'); tries += 1) {
          assert.ok(tries < 1000, 'the mirror never ends')
          await about.pass(10_000_000)
        }
        assert.deepEqual(about.content('b'), about.model, `seed ${String(seed)}`)
        assert.equal(about.guest.node.name, 'b')
      }
    })
  }

  it('has a write on both sides when the writer is answered', async () => {
    const about = await world(1)
    await about.run('blockdev-mirror', {
      'job-id': 'm',
      device: 'a',
      target: 'b',
      sync: 'none',
      'copy-mode': 'write-blocking',
    })
    await untilReady(about)
    const writing = Promise.resolve(about.guest.write(65536, new Uint8Array(65536).fill(9)))
    await about.until(writing)
    const written = about.content('b').subarray(65536, 131072)
    assert.ok(written.every((byte) => byte === 9))
  })

  it('does not begin anew what it has copied, after a pause', async () => {
    const about = await world(3)
    await about.run('blockdev-mirror', { 'job-id': 'm', device: 'a', target: 'b', sync: 'full' })
    await untilReady(about)
    await about.run('job-pause', { id: 'm' })
    await changes(about, 3)
    const before = about.content('b')
    await about.pass(1_000_000_000)
    assert.deepEqual(about.content('b'), before)
    await about.run('job-resume', { id: 'm' })
    await about.pass(1_000_000_000)
    assert.deepEqual(about.content('b'), about.model)
  })
})
