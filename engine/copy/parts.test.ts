/** The parts of copying that are of use alone. */
import assert from 'node:assert/strict'
import { createSimHost } from '../host/sim/index.ts'
import { Budget } from './budget.ts'
import { InFlight } from './in-flight.ts'
import { Pool } from './pool.ts'
import { RateLimit } from './rate-limit.ts'

const settled = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

describe('a budget', () => {
  it('lets those wait who ask for more than is there, and serves them in turn', async () => {
    const budget = new Budget(10)
    const served: number[] = []
    const ask = (bytes: number) =>
      Promise.resolve(budget.take(bytes)).then(() => served.push(bytes))
    assert.equal(budget.take(6), undefined)
    void ask(5)
    // This one would fit, but came later.
    void ask(3)
    await settled()
    assert.deepEqual(served, [])
    budget.give(6)
    await settled()
    assert.deepEqual(served, [5, 3])
  })

  it('gives all it has to who asks for more', () => {
    const budget = new Budget(10)
    assert.equal(budget.take(50), undefined)
    assert.notEqual(budget.take(1), undefined)
    budget.give(50)
  })
})

describe('a pool', () => {
  it('throws what its work threw, when all of it is over', async () => {
    const pool = new Pool(2)
    let over = false
    pool.start(() => Promise.reject(new Error('a bug')))
    pool.start(async () => {
      await settled()
      over = true
    })
    await assert.rejects(async () => pool.idle(), /a bug/)
    assert.ok(over)
  })
})

describe('ranges in flight', () => {
  it('wake those who wait when they end or no longer reach so far', async () => {
    const ranges = new InFlight()
    const range = ranges.begin(0, 100)
    assert.equal(ranges.oneOver(100, 10), undefined)
    const waiting = ranges.oneOver(60, 10)
    ranges.shorten(range, 50)
    await waiting
    assert.equal(ranges.bytes, 50)
    assert.equal(ranges.overlaps(60, 10), false)
    ranges.end(range)
    assert.equal(ranges.overlaps(0, 10), false)
  })

  it('are claimed by one of those who wait, however many wake up', async () => {
    const ranges = new InFlight()
    const first = ranges.begin(0, 100)
    const claims = [ranges.claim(0, 60), ranges.claim(50, 60)]
    ranges.end(first)
    await settled()
    assert.equal(ranges.bytes, 60)
    const [one, other] = claims
    if (one !== undefined) ranges.end(await one)
    if (other !== undefined) assert.equal((await other).end, 110)
  })
})

describe('a speed', () => {
  it('lets a quota go at once and makes up for what was too much', async () => {
    const host = createSimHost()
    const limit = new RateLimit(host.clock)
    assert.equal(limit.delayNs(1e9), 0)
    limit.setSpeed(1000)
    assert.equal(limit.delayNs(99), 0)
    assert.equal(limit.delayNs(1), 100_000_000)
    assert.equal(limit.delayNs(150), 250_000_000)
    await host.advance(250_000_001)
    assert.equal(limit.delayNs(0), 0)
    assert.equal(limit.delayNs(99), 0)
  })
})
