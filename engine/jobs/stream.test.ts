/** Tests of streams. */
import assert from 'node:assert/strict'
import { chainWorld, CLUSTER, failing, type ChainAbout, type ChainWorld } from './testing.ts'

interface World extends ChainWorld {
  readonly stream: (about?: object) => Promise<string | undefined>
}

async function world(about: ChainAbout = {}): Promise<World> {
  const test = await chainWorld(about)
  const args = { 'job-id': 'j', device: 'top' }
  return { ...test, stream: (more = {}) => test.tryTo('block-stream', { ...args, ...more }) }
}

const BEFORE = ['mid: base', 'top: mid']
const TOP = [1, 2, 3, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]

/** Clusters that are written to the file of the top image. */
function countWrites({ host }: World): () => number {
  let count = 0
  host.files.hook = ({ kind, path, offset, bytes }) => {
    // The first cluster is the header.
    if (kind === 'write' && path.endsWith('top') && offset > 0 && bytes >= CLUSTER)
      count += bytes / CLUSTER
    return undefined
  }
  return () => count
}

describe('a stream', () => {
  it('fills an image until it needs no other one', async () => {
    const test = await world()
    const writes = countWrites(test)
    assert.equal(await test.stream(), undefined)
    await test.over()
    assert.equal(writes(), 4)
    assert.deepEqual(test.links(), ['mid: base'])
    assert.equal(await test.headerOf('top'), undefined)
    assert.deepEqual(await test.shown('top'), TOP)
  })

  it('leaves to the base what the base has', async () => {
    const test = await world()
    const writes = countWrites(test)
    await test.stream({ 'base-node': 'base' })
    await test.over()
    assert.equal(writes(), 3)
    assert.deepEqual(test.links(), ['mid: base', 'top: base'])
    assert.equal(await test.headerOf('top'), 'base')
    assert.deepEqual(await test.shown('top'), TOP)
  })

  it('does the same where the lowest image that goes is named', async () => {
    const test = await world()
    const writes = countWrites(test)
    await test.stream({ bottom: 'mid' })
    await test.over()
    assert.equal(writes(), 3)
    assert.deepEqual(test.links(), ['mid: base', 'top: base'])
  })

  it('writes into the header what the client says', async () => {
    const { stream, over, headerOf } = await world()
    await stream({ 'base-node': 'base', 'backing-file': 'elsewhere' })
    await over()
    assert.equal(await headerOf('top'), 'elsewhere')
  })

  it('moves nothing where the base is what lies right below', async () => {
    const test = await world()
    const writes = countWrites(test)
    await test.stream({ 'base-node': 'mid' })
    await test.over()
    assert.equal(writes(), 0)
    assert.deepEqual(test.links(), BEFORE)
  })

  it('writes to a read-only image, which is read-only again afterwards', async () => {
    const { stream, over, engine, links } = await world({ readOnly: ['top'] })
    await stream({ speed: 1 })
    assert.equal(engine.graph.find('top').flags.readOnly, false)
    await engine.jobs.cancel(engine.jobs.find('j'), true)
    await over()
    assert.equal(engine.graph.find('top').flags.readOnly, true)
    assert.deepEqual(links(), BEFORE)
    await stream()
    await over()
    assert.equal(engine.graph.find('top').flags.readOnly, true)
    assert.deepEqual(links(), ['mid: base'])
  })

  it('changes nothing where its filter cannot be', async () => {
    const { stream, engine, links } = await world({ readOnly: ['top'] })
    assert.match((await stream({ 'filter-node-name': 'mid' })) ?? '', /Duplicate/)
    assert.equal(engine.graph.find('top').flags.readOnly, true)
    assert.deepEqual(links(), BEFORE)
  })

  it('changes nothing where the job cannot be', async () => {
    const { stream, run, engine, links } = await world({ readOnly: ['top'] })
    assert.equal(await stream({ speed: -1 }), "Parameter 'speed' expects a non-negative value")
    assert.equal(engine.graph.find('top').flags.readOnly, true)
    assert.deepEqual(links(), BEFORE)
    assert.deepEqual(await run('query-jobs'), [])
  })

  it('reports a read that fails, with the chain as it was', async () => {
    const test = await world()
    failing(test, { kind: 'read', path: 'mid', errno: 'EIO', times: 1 })
    await test.stream()
    await test.over()
    const data = { device: 'j', operation: 'read', action: 'report' }
    assert.deepEqual(test.events.find(({ event }) => event === 'BLOCK_JOB_ERROR')?.data, data)
    assert.equal(test.failure(), 'Input/output error')
    assert.deepEqual(test.links(), BEFORE)
  })

  it('goes on behind what it is to ignore, but the images below stay', async () => {
    const test = await world()
    failing(test, { kind: 'read', path: 'mid', errno: 'EIO', times: 1 })
    await test.stream({ 'on-error': 'ignore' })
    await test.over()
    const last = test.events.findLast(({ event }) => event === 'BLOCK_JOB_COMPLETED')
    assert.equal(last?.data.offset, last?.data.len)
    assert.equal(test.failure(), 'Input/output error')
    assert.deepEqual(test.links(), BEFORE)
  })

  it('counts what it could not read against its speed', async () => {
    const test = await world()
    failing(test, { kind: 'read', path: 'mid', errno: 'EIO', times: 10 })
    const begin = test.host.clock.nowNs()
    await test.stream({ 'on-error': 'ignore', speed: CLUSTER })
    await test.over()
    // Three clusters of `mid`, one of `base`; the last one is not waited for.
    const seconds = (test.host.clock.nowNs() - begin) / 1e9
    assert.ok(seconds > 2.9 && seconds < 4.2, String(seconds))
  })

  it('stops where it is told to, and tries again', async () => {
    const test = await world()
    failing(test, { kind: 'read', path: 'mid', errno: 'EIO', times: 2 })
    await test.stream({ 'on-error': 'stop' })
    for (let count = 1; count <= 2; count++) {
      await test.until(async () => (await test.status('j')) === 'paused', 'paused')
      await test.run('block-job-resume', { device: 'j' })
    }
    await test.over()
    assert.equal(test.failure(), undefined)
    assert.deepEqual(await test.shown('top'), TOP)
    assert.deepEqual(test.links(), ['mid: base'])
  })

  it('fails where the header cannot be written, which is too late for the chain', async () => {
    const test = await world()
    test.host.files.hook = ({ kind, path, offset }) =>
      kind === 'write' && path.endsWith('top') && offset === 0 ? { errno: 'EIO' } : undefined
    await test.stream()
    await test.over()
    assert.equal(test.failure(), 'Input/output error')
    assert.deepEqual(test.links(), ['mid: base'])
    assert.deepEqual(await test.shown('top'), TOP)
  })

  it('ends without a change when it is cancelled', async () => {
    const { stream, over, run, links, shown } = await world()
    await stream({ speed: 1 })
    await run('job-cancel', { id: 'j' })
    await over()
    assert.deepEqual(links(), BEFORE)
    assert.deepEqual(await shown('top'), TOP)
  })
})
