/** Tests of mirrors under writes of others, on storage that takes its time. */
import assert from 'node:assert/strict'
import type { User } from '../../graph/graph.ts'
import { jobWorld, type JobWorld } from '../testing.ts'

const SIZE = 256 * 1024

interface World extends JobWorld {
  readonly writer: User
  readonly model: Uint8Array
  readonly content: (file: string) => Uint8Array
}

/** Source `a`, target `b`, and a guest at the source. */
async function world(seed: number): Promise<World> {
  const about = await jobWorld(seed)
  const { host, run, below } = about
  const model = new Uint8Array(SIZE).map(() => below(256))
  host.files.put('a', model)
  host.files.put('b', new Uint8Array(SIZE).fill(0xee))
  await run('blockdev-add', { driver: 'file', filename: 'a', 'node-name': 'a' })
  await run('blockdev-add', { driver: 'file', filename: 'b', 'node-name': 'b' })
  about.slow()
  return { ...about, writer: about.guest('a'), model, content: (file) => host.files.content(file) }
}

/** Writes or zeroes somewhere. */
function change({ writer, model, below }: World): Promise<void> {
  const offset = below(SIZE / 512) * 512
  const bytes = Math.min(SIZE - offset, (1 + below(40)) * 512)
  const fill = 1 + below(255)
  if (below(4) === 0) {
    model.fill(0, offset, offset + bytes)
    return Promise.resolve(writer.zero(offset, bytes))
  }
  model.fill(fill, offset, offset + bytes)
  return Promise.resolve(writer.write(offset, new Uint8Array(bytes).fill(fill)))
}

/** Some changes, of which no two that overlap run beside each other. */
async function changes(about: World, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const changing = change(about)
    await about.pass(about.below(20_000_000))
    await about.host.run(changing)
  }
}

const untilReady = (about: World): Promise<void> =>
  about.until(async () => (await about.status('m')) === 'ready', 'ready')

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
        await about.until(async () => (await about.status('m')) === undefined, 'over')
        assert.deepEqual(about.content('b'), about.model, `seed ${String(seed)}`)
        assert.equal(about.writer.node.name, 'b')
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
    const writing = Promise.resolve(about.writer.write(65536, new Uint8Array(65536).fill(9)))
    await about.host.run(writing)
    const written = about.content('b').subarray(65536, 131072)
    assert.ok(written.every((byte) => byte === 9))
  })

  it('writes to both sides from the beginning, while the target is still being zeroed', async () => {
    const { host, run, guest, pass, until, status } = await jobWorld(1)
    const empty = new Uint8Array(SIZE)
    for (const name of ['a', 'b']) host.files.put(name, empty)
    await run('object-add', { 'qom-type': 'throttle-group', id: 'g', limits: { 'iops-write': 1 } })
    const file = (filename: string) => ({ driver: 'file', filename, discard: 'unmap' })
    await run('blockdev-add', { 'node-name': 'a', ...file('a') })
    const throttle = { driver: 'throttle', 'throttle-group': 'g', discard: 'unmap' }
    await run('blockdev-add', { 'node-name': 'b', ...throttle, file: file('b') })
    const writer = guest('a')
    const other = guest('b')
    // What comes next has to wait for a second.
    await other.write(0, empty.subarray(0, 512))
    await host.run(other.close())
    await run('blockdev-mirror', {
      'job-id': 'm',
      device: 'a',
      target: 'b',
      sync: 'full',
      'copy-mode': 'write-blocking',
    })
    let answered = false
    const writing = Promise.resolve(writer.write(512, new Uint8Array(512).fill(7))).then(() => {
      answered = true
    })
    await pass(100_000_000)
    assert.ok(!answered, 'older zeroes must not come after it')
    await host.run(writing)
    await until(async () => (await status('m')) === 'ready', 'ready')
    assert.equal(host.files.content('b')[512], 7)
  })

  it('has a bitmap of a disk without any bytes too', async () => {
    const { run, until, status } = await jobWorld(1)
    const none = { driver: 'null-co', size: 0 }
    await run('blockdev-add', { ...none, 'node-name': 'c' })
    await run('blockdev-add', { ...none, 'node-name': 'd' })
    await run('blockdev-mirror', { 'job-id': 'm', device: 'c', target: 'd', sync: 'full' })
    await until(async () => (await status('m')) === 'ready', 'ready')
    assert.match(JSON.stringify(await run('query-named-block-nodes')), /"dirty-bitmaps"/)
  })

  it('comes to its end beside another one that ends at the same time', async () => {
    const { host, run, guest, engine, until } = await jobWorld(1)
    const writers: User[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      host.files.put(name, new Uint8Array(SIZE))
      await run('blockdev-add', { driver: 'file', filename: name, 'node-name': name })
      writers.push(guest(name))
    }
    for (const writer of writers.slice(2)) await writer.close()
    const jobs = [
      ['m', 'a', 'c'],
      ['n', 'b', 'd'],
    ] as const
    for (const [id, device, target] of jobs) {
      await run('blockdev-mirror', { 'job-id': id, device, target, sync: 'full' })
    }
    const areAll = (status: string) => engine.jobs.list().every((job) => job.status === status)
    await until(() => areAll('ready'), 'ready')
    // Each drains its source first, and changes the graph then.
    for (const job of engine.jobs.list()) await job.complete()
    await until(() => engine.jobs.list().length === 0, 'over')
    assert.deepEqual(
      writers.slice(0, 2).map(({ node }) => node.name),
      ['c', 'd'],
    )
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
