/** Throttling in virtual time. The moments are those at which a real 7.2 answered, to the millisecond. */
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { createSimHost } from '../../host/sim/index.ts'
import type { SimHost } from '../../host/sim/index.ts'
import { BlockError } from '../../util/errors.ts'
import type { Direction, GroupMember } from './group.ts'
import { ThrottleGroup } from './group.ts'
import type { LimitValues } from './limits.ts'
import { LIMIT_NAMES, limitValues, NO_LIMITS, withValues } from './limits.ts'
import { throttleGroupType } from './object.ts'

type Request = readonly [Direction, number]

const READ: Request = ['read', 512]
const WRITE: Request = ['write', 512]

function groupWith(values: LimitValues): ThrottleGroup {
  const group = new ThrottleGroup()
  group.setLimits(withValues(NO_LIMITS, values))
  return group
}

/** The millisecond at which each of the requests starts, when all are made at once. */
async function starts(host: SimHost, asked: readonly [GroupMember, Request][]): Promise<number[]> {
  const times: number[] = []
  const all = asked.map(async ([member, [direction, bytes]], index) => {
    await member.acquire(direction, bytes)
    times[index] = Math.round(host.clock.nowNs() / 1e6)
  })
  await host.run(Promise.all(all))
  return times
}

async function startsOf(values: LimitValues, requests: readonly Request[]): Promise<number[]> {
  const host = createSimHost()
  const member = groupWith(values).join(host.clock)
  return starts(
    host,
    requests.map((request) => [member, request]),
  )
}

function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value)
}

describe('throttle groups', () => {
  const measured: readonly [string, LimitValues, readonly Request[], readonly number[]][] = [
    ['operations', { 'iops-total': 10 }, times(8, READ), [0, 0, 100, 200, 300, 400, 500, 600]],
    ['less than one at once', { 'iops-total': 1 }, times(4, READ), [0, 900, 1900, 2900]],
    ['thirds', { 'iops-total': 3 }, times(6, READ), [0, 233, 567, 900, 1233, 1567]],
    [
      'directions apart',
      { 'iops-read': 10, 'iops-write': 5 },
      [READ, WRITE, READ, WRITE, READ, WRITE, READ, WRITE],
      [0, 0, 0, 100, 100, 300, 200, 500],
    ],
    ['bytes', { 'bps-total': 10_240 }, times(8, READ), [0, 0, 0, 50, 100, 150, 200, 250]],
    [
      'large requests',
      { 'bps-total': 2 ** 20 },
      times(6, ['read', 2 ** 18] as const),
      [0, 150, 400, 650, 900, 1150],
    ],
    [
      'a burst of a second',
      { 'iops-total': 10, 'iops-total-max': 20 },
      times(16, READ),
      times(16, 0),
    ],
    [
      'a burst of two seconds',
      { 'iops-total': 10, 'iops-total-max': 20, 'iops-total-max-length': 2 },
      times(16, READ),
      [0, 0, 0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650],
    ],
    [
      'operations by length',
      { 'iops-total': 10, 'iops-size': 1024 },
      [512, 4096, 512, 1024, 512].map((bytes) => ['read', bytes]),
      [0, 0, 400, 500, 600],
    ],
    [
      'the tighter of two limits',
      { 'iops-total': 100, 'bps-read': 5120 },
      [...times(6, READ), ...times(4, WRITE)],
      [0, 0, 100, 200, 300, 400, 0, 0, 0, 0],
    ],
    [
      'writes by length and number',
      { 'iops-write': 1, 'bps-write': 5120, 'iops-size': 512 },
      times(4, ['write', 1024] as const),
      [0, 1900, 3900, 5900],
    ],
  ]
  for (const [what, values, requests, expected] of measured) {
    it(`let requests pass when a real 7.2 does: ${what}`, async () => {
      assert.deepEqual(await startsOf(values, requests), expected)
    })
  }

  it('count both directions for total limits, each with a timer of its own', async () => {
    const requests = [READ, WRITE, READ, WRITE, READ, WRITE, READ, WRITE]
    const seen = await startsOf({ 'iops-total': 10 }, requests)
    // Which direction goes first at one instant is open; the moments are not.
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      [0, 0, 100, 100, 200, 300, 400, 500],
    )
  })

  it('give members turns', async () => {
    const host = createSimHost()
    const group = groupWith({ 'iops-total': 10 })
    const [first, second] = [group.join(host.clock), group.join(host.clock)]
    const asked: [GroupMember, Request][] = [
      ...times<[GroupMember, Request]>(5, [first, READ]),
      ...times<[GroupMember, Request]>(3, [second, READ]),
    ]
    const seen = await starts(host, asked)
    assert.deepEqual(seen, [0, 0, 100, 300, 500, 200, 400, 600])
  })

  it('give turns to the newest member first, but for the one that waits first', async () => {
    const host = createSimHost()
    const group = groupWith({ 'iops-total': 2 })
    const [first, second, third] = [1, 2, 3].map(() => group.join(host.clock))
    assert(first !== undefined && second !== undefined && third !== undefined)
    const members = [first, first, second, second, third, third]
    const seen = await starts(
      host,
      members.map((member) => [member, READ]),
    )
    assert.deepEqual(seen, [0, 400, 1400, 2400, 900, 1900])
  })

  it('have new limits count from when they are set, for who waits already too', async () => {
    const host = createSimHost()
    const group = groupWith({ 'iops-total': 2 })
    const [first, second] = [group.join(host.clock), group.join(host.clock)]
    host.clock.after(300e6, () => {
      group.setLimits(withValues(NO_LIMITS, { 'iops-total': 4 }))
    })
    const members = [first, first, second, first, second]
    const seen = await starts(
      host,
      members.map((member) => [member, READ]),
    )
    assert.deepEqual(seen, [0, 400, 450, 700, 950])
  })

  it('let everything go while limits are ignored, and count it all the same', async () => {
    const host = createSimHost()
    const member = groupWith({ 'iops-total': 1 }).join(host.clock)
    const before = starts(host, times(5, [member, WRITE]))
    await host.advance(500e6)
    member.ignoreLimits()
    assert.deepEqual(await before, [0, 500, 500, 500, 500])
    member.limitAgain()
    const [late = 0] = await starts(host, [[member, WRITE]])
    assert(late >= 4000, 'the bucket is as full as if all had waited')
  })

  it('never let more pass than the limit and its burst allow', async () => {
    const limit = fc.record({
      average: fc.integer({ min: 1, max: 50 }),
      burst: fc.integer({ min: 1, max: 5 }),
      seconds: fc.integer({ min: 1, max: 3 }),
      requests: fc.integer({ min: 1, max: 60 }),
    })
    await fc.assert(
      fc.asyncProperty(limit, async ({ average, burst, seconds, requests }) => {
        const maximum = average * burst
        const seen = await startsOf(
          { 'iops-total': average, 'iops-total-max': maximum, 'iops-total-max-length': seconds },
          times(requests, READ),
        )
        for (const [index, ms] of seen.entries()) {
          const allowed = maximum * seconds + (average * (ms + 1)) / 1000 + 1
          assert(index <= allowed, `request ${String(index)} at ${String(ms)} ms`)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('forget nothing of what they were given', () => {
    const values = { 'iops-read': 7, 'iops-read-max': 9, 'iops-read-max-length': 2, 'iops-size': 1 }
    const all = limitValues(withValues(NO_LIMITS, values))
    assert.deepEqual(Object.keys(all).sort(), [...LIMIT_NAMES].sort())
    for (const [name, value] of Object.entries(values)) assert.equal(all[name], value)
  })
})

describe('throttle-group objects', () => {
  const BOTH = 'bps/iops/max total values and read/write values cannot be used at the same time'
  const RANGE = 'bps/iops/max values must be within [0, 1000000000000000]'
  const refused: readonly [Readonly<Record<string, unknown>>, string][] = [
    [{ limits: { 'iops-total': 10, 'iops-read': 5 } }, BOTH],
    [{ limits: { 'bps-read': 10, 'bps-total-max': 7, 'bps-read-max': 20 } }, BOTH],
    [{ 'x-iops-total': 5, 'x-iops-read': 5 }, BOTH],
    [{ limits: { 'iops-total-max': 5 } }, 'bps_max/iops_max require corresponding bps/iops values'],
    [
      { limits: { 'iops-total': 10, 'iops-total-max': 5 } },
      'bps_max/iops_max cannot be lower than bps/iops',
    ],
    [
      { limits: { 'iops-total': 1, 'iops-total-max': 2, 'iops-total-max-length': 0 } },
      'the burst length cannot be 0',
    ],
    [{ limits: { 'iops-total-max-length': 5 } }, 'burst length set without burst rate'],
    [{ limits: { 'iops-total': -1 } }, RANGE],
    [{ 'x-bps-total': 1e15 + 1 }, RANGE],
    [
      { limits: { 'bps-total': 1, 'bps-total-max': 1e15, 'bps-total-max-length': 2 } },
      'burst length too high for this burst rate',
    ],
    [
      { limits: { 'iops-total': 1, 'iops-total-max': 2, 'iops-total-max-length': -1 } },
      'burst length too high for this burst rate',
    ],
    [
      { limits: { 'iops-total-max-length': 2 ** 32 } },
      'iops-total-max-length value must be in the range [0, 4294967295]',
    ],
    [
      { 'x-iops-total-max-length': 2 ** 33 },
      'x-iops-total-max-length value must be in therange [0, 4294967295]',
    ],
    [{ limits: { 'iops-size': 4096 } }, 'iops size requires an iops value to be set'],
    [{ 'x-iops-total': -5 }, 'Property values cannot be negative'],
  ]
  for (const [given, text] of refused) {
    it(`refuse ${JSON.stringify(given)}`, () => {
      assert.throws(
        () => {
          throttleGroupType.create('g', given).complete()
        },
        (error) => error instanceof BlockError && error.message === text,
      )
    })
  }

  it('prefer limits to the short forms', () => {
    const { instance, complete } = throttleGroupType.create('g', {
      'x-iops-total': 5,
      limits: { 'iops-total': 7 },
    })
    complete()
    assert.equal(instance.limits.rates['iops-total'].average, 7)
  })

  it('take new limits later, but no short forms', () => {
    const { instance, properties } = throttleGroupType.create('g', {})
    properties.get('limits')?.set({ 'bps-read': 9 })
    assert.equal(instance.limits.rates['bps-read'].average, 9)
    assert.equal(
      properties.get('x-bps-read')?.settled,
      'Property cannot be set after initialization',
    )
  })
})
