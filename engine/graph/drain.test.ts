/** Tests of drained sections. */
import assert from 'node:assert/strict'
import { createSimHost } from '../host/sim/index.ts'
import { DRIVERS } from '../drivers/index.ts'
import { requestPaths } from '../io/paths.ts'
import { testWorld } from './testing.ts'

/** `top`, raw over `mid`, raw over `slow`, whose requests take a millisecond. */
async function world() {
  const host = createSimHost()
  const test = testWorld(DRIVERS, requestPaths, host)
  await test.add(
    { driver: 'null-co', 'node-name': 'slow', 'latency-ns': 1_000_000 },
    { driver: 'raw', 'node-name': 'mid', file: 'slow' },
    { driver: 'raw', 'node-name': 'top', file: 'mid' },
  )
  const { graph } = test
  return { ...test, host, graph, user: test.writer('top') }
}

const data = new Uint8Array(512)

describe('a drained section', () => {
  it('begins when requests of parents have completed too', async () => {
    const { host, graph, user } = await world()
    let done = false
    const write = Promise.resolve(user.write(0, data)).then(() => (done = true))
    await host.run(
      graph
        .find('slow')
        .drained()
        .then((section) => {
          assert.ok(done)
          section.end()
        }),
    )
    await host.run(write)
  })

  it('holds new requests back until it ends', async () => {
    const { host, graph, user } = await world()
    const section = await host.run(graph.find('mid').drained())
    assert.ok(user.quiesced)
    let done = false
    const write = Promise.resolve(user.write(0, data)).then(() => (done = true))
    await host.advance(10_000_000)
    assert.equal(done, false)
    section.end()
    await host.run(write)
    assert.ok(done)
  })

  it('counts: the last of several to end lets requests go on', async () => {
    const { host, graph, user } = await world()
    const first = await host.run(graph.find('slow').drained())
    const second = await host.run(graph.find('top').drained({ along: first }))
    first.end()
    assert.ok(user.quiesced)
    second.end()
    assert.equal(user.quiesced, false)
  })

  it('ends once, however often that is said', async () => {
    const { host, graph, user } = await world()
    const section = await host.run(graph.find('mid').drained())
    const other = await host.run(graph.find('mid').drained({ along: section }))
    section.end()
    section.end()
    assert.ok(user.quiesced)
    other.end()
  })

  it('reaches users that come later, and lets go of those that leave', async () => {
    const { host, graph, writer } = await world()
    const section = await host.run(graph.find('slow').drained())
    const late = writer('mid')
    assert.ok(late.quiesced)
    await late.close()
    section.end()
    assert.equal(late.quiesced, false)
  })

  it('tells users when it begins and ends', async () => {
    const { host, graph } = await world()
    const log: string[] = []
    graph.attach(graph.find('top'), {
      uses: 0,
      shares: 15,
      drainedBegin: () => log.push('begin'),
      drainedEnd: () => log.push('end'),
    })
    {
      await using _section = await host.run(graph.find('slow').drained())
      assert.deepEqual(log, ['begin'])
    }
    assert.deepEqual(log, ['begin', 'end'])
  })
})
