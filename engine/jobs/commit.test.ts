/** Tests of commits below the active layer. */
import assert from 'node:assert/strict'
import { chainWorld, CLUSTER, failing, type ChainAbout, type ChainWorld } from './testing.ts'

interface World extends ChainWorld {
  readonly commit: (about?: object) => Promise<string | undefined>
}

async function world(about: ChainAbout = {}): Promise<World> {
  const test = await chainWorld(about)
  const args = { 'job-id': 'j', device: 'top', 'top-node': 'mid' }
  return { ...test, commit: (more = {}) => test.tryTo('block-commit', { ...args, ...more }) }
}

const MID = [1, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
const BEFORE = ['mid: base', 'top: mid']

describe('a commit below the active layer', () => {
  it('writes into the base what lies above it, and those above have the base then', async () => {
    const { commit, over, shown, links, headerOf } = await world()
    assert.equal(await commit(), undefined)
    await over()
    assert.deepEqual(await shown('base'), MID)
    assert.deepEqual(links(), ['mid: base', 'top: base'])
    assert.equal(await headerOf('top'), 'base')
  })

  it('moves only what the images above the base have themselves', async () => {
    const test = await world()
    const written: number[] = []
    test.host.files.hook = ({ kind, path, bytes }) => {
      if (kind === 'write' && path.endsWith('base') && bytes >= CLUSTER) written.push(bytes)
      return undefined
    }
    await test.commit()
    await test.over()
    assert.deepEqual(written, [CLUSTER, CLUSTER, CLUSTER])
  })

  it('writes into headers above what the client says', async () => {
    const { commit, over, headerOf } = await world()
    await commit({ 'backing-file': 'elsewhere' })
    await over()
    assert.equal(await headerOf('top'), 'elsewhere')
  })

  it('makes a shorter base longer', async () => {
    const { commit, over, shown } = await world({ baseSize: 4 })
    await commit()
    await over()
    assert.deepEqual(await shown('base'), MID)
  })

  it('writes to a read-only base, which is read-only again afterwards', async () => {
    const { commit, over, engine, shown } = await world({ readOnly: ['base'] })
    await commit({ speed: 1 })
    assert.equal(engine.graph.find('base').flags.readOnly, false)
    await engine.jobs.cancel(engine.jobs.find('j'), true)
    await over()
    assert.equal(engine.graph.find('base').flags.readOnly, true)
    await commit()
    await over()
    assert.equal(engine.graph.find('base').flags.readOnly, true)
    assert.deepEqual(await shown('base'), MID)
  })

  it('changes nothing where its filter cannot be', async () => {
    const { commit, engine, links } = await world({ readOnly: ['base'] })
    assert.match((await commit({ 'filter-node-name': 'top' })) ?? '', /Duplicate/)
    assert.equal(engine.graph.find('base').flags.readOnly, true)
    assert.deepEqual(links(), BEFORE)
  })

  it('changes nothing where the base cannot be written to', async () => {
    const { commit, engine, links } = await world({ readOnly: ['base'] })
    const { graph } = engine
    // It reads what must stay as it is.
    await using _reader = graph.attach(graph.find('base'), { uses: 1, shares: 1 })
    assert.match((await commit()) ?? '', /^Permission conflict on node 'base'|^Conflicts/)
    assert.deepEqual(links(), BEFORE)
    assert.equal(graph.find('base').flags.readOnly, true)
  })

  it('leaves the chain as it was when it is cancelled', async () => {
    const { commit, over, run, links, events } = await world()
    await commit({ speed: 1 })
    await run('job-cancel', { id: 'j' })
    await over()
    assert.deepEqual(links(), BEFORE)
    assert.ok(events.some(({ event }) => event === 'BLOCK_JOB_CANCELLED'))
  })

  for (const [kind, path] of [
    ['read', 'mid'],
    ['write', 'base'],
  ] as const) {
    it(`reports a ${kind} that fails, with the chain as it was`, async () => {
      const test = await world()
      failing(test, { kind, path, errno: 'EIO', times: 1 })
      await test.commit()
      await test.over()
      const data = { device: 'j', operation: kind, action: 'report' }
      assert.deepEqual(test.events.find(({ event }) => event === 'BLOCK_JOB_ERROR')?.data, data)
      assert.equal(test.failure(), 'Input/output error')
      assert.deepEqual(test.links(), BEFORE)
    })

    it(`tries a ${kind} again where it is told to ignore that it failed`, async () => {
      const test = await world()
      failing(test, { kind, path, errno: 'EIO', times: 3 })
      await test.commit({ 'on-error': 'ignore' })
      await test.over()
      assert.equal(test.events.filter(({ event }) => event === 'BLOCK_JOB_ERROR').length, 3)
      assert.deepEqual(await test.shown('base'), MID)
    })
  }

  it('stops where there is no space, and goes on from there', async () => {
    const test = await world()
    failing(test, { kind: 'write', path: 'base', errno: 'ENOSPC', times: 1 })
    await test.commit({ 'on-error': 'enospc' })
    await test.until(async () => (await test.status('j')) === 'paused', 'paused')
    const [job] = (await test.run('query-block-jobs')) as readonly { 'io-status': string }[]
    assert.equal(job?.['io-status'], 'nospace')
    await test.run('block-job-resume', { device: 'j' })
    await test.over()
    assert.deepEqual(await test.shown('base'), MID)
  })

  it('fails where the base cannot grow', async () => {
    const test = await world({ baseSize: 4 })
    test.host.files.hook = ({ kind, path }) =>
      kind === 'write' && path.endsWith('base') ? { errno: 'EIO' } : undefined
    await test.commit()
    await test.over()
    assert.equal(test.failure(), 'Input/output error')
    assert.deepEqual(test.links(), BEFORE)
  })

  it('fails where a header above cannot be written, with the chain as it was', async () => {
    const test = await world()
    test.host.files.hook = ({ kind, path, offset }) =>
      kind === 'write' && path.endsWith('top') && offset === 0 ? { errno: 'EIO' } : undefined
    await test.commit()
    await test.over()
    assert.equal(test.failure(), 'Input/output error')
    assert.deepEqual(test.links(), BEFORE)
  })
})
