/** Tests of throttle nodes that change their group. */
import assert from 'node:assert/strict'
import { ALL_PERMISSIONS } from '../../block/permission.ts'
import { refusal, testWorld } from '../../graph/testing.ts'
import { createSimHost } from '../../host/sim/index.ts'
import { requestPaths } from '../../io/paths.ts'
import { DRIVERS } from '../index.ts'
import { ThrottleGroup } from './group.ts'
import { NO_LIMITS, withValues } from './limits.ts'

/** `t`, throttled to one request a second by `slow`; `free` has no limits. */
async function world() {
  const slow = new ThrottleGroup()
  slow.setLimits(withValues(NO_LIMITS, { 'iops-total': 1 }))
  const groups = new Map([
    ['slow', slow],
    ['free', new ThrottleGroup()],
  ])
  const host = createSimHost()
  const test = testWorld(DRIVERS, requestPaths, host, { object: (_, id) => groups.get(id) })
  const options = (group: string) => ({
    driver: 'throttle',
    'node-name': 't',
    'throttle-group': group,
    file: 'n',
  })
  await host.run(test.add({ driver: 'null-co', 'node-name': 'n' }, options('slow')))
  const write = (count: number): Promise<unknown> => {
    const user = test.writer('t')
    const requests = Array.from({ length: count }, () =>
      Promise.resolve(user.write(0, new Uint8Array(512))),
    )
    return Promise.all(requests)
  }
  return { ...test, groups, write, reopen: (id: string) => test.graph.reopen([options(id)]) }
}

describe('reopening a throttle node', () => {
  it('lets all go that waits', async () => {
    const { host, write, reopen } = await world()
    const written = write(5)
    await host.run(reopen('slow'))
    await host.run(written)
    assert.ok(host.clock.nowNs() < 1e9)
  })

  it('moves it to another group, and the old one is out of use', async () => {
    const { host, groups, write, reopen } = await world()
    await host.run(reopen('free'))
    assert.deepEqual([groups.get('slow')?.inUse, groups.get('free')?.inUse], [false, true])
    await host.run(write(5))
    assert.equal(host.clock.nowNs(), 0)
  })

  it('refuses a group that does not exist', async () => {
    const { groups, reopen } = await world()
    assert.equal(await refusal(() => reopen('gone')), "Throttle group 'gone' does not exist")
    assert.ok(groups.get('slow')?.inUse)
  })

  it('limits again once the drained section is over', async () => {
    const { host, write, reopen } = await world()
    await host.run(reopen('free'))
    await host.run(reopen('slow'))
    await host.run(write(3))
    assert.ok(host.clock.nowNs() > 1e9)
  })
})

describe('leaving a node that a throttle is above', () => {
  it('gives others a turn, in which the throttle ends its part of the drained section', async () => {
    const { host, graph } = await world()
    const order: string[] = []
    const user = graph.attach(graph.find('n'), { uses: 0, shares: ALL_PERMISSIONS })
    host.clock.after(0, () => order.push('a turn'))
    const left = user.close().then(() => order.push('left'))
    await host.run(left)
    assert.deepEqual(order, ['a turn', 'left'])
  })
})
