/** Orders of lanes: one of each class that nobody can tell apart, held against trying them all. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { casesOf, scenario } from './testing.ts'
import { isIndependent, ordersOf, type Footprint } from './schedules.ts'

const footprint: fc.Arbitrary<Footprint> = fc.record({
  touches: fc.oneof(
    { weight: 4, arbitrary: fc.subarray(['x', 'y', 'z'], { minLength: 1 }).map((l) => new Set(l)) },
    { weight: 1, arbitrary: fc.constant('everything' as const) },
  ),
  writes: fc.boolean(),
})
const lanes = fc.array(fc.array(footprint, { maxLength: 3 }), { minLength: 2, maxLength: 3 })

type Order = readonly number[]

function everyOrder(counts: Order): Order[] {
  if (counts.every((count) => count === 0)) return [[]]
  return counts.flatMap((count, lane) => {
    if (count === 0) return []
    const rest = counts.map((other, index) => (index === lane ? other - 1 : other))
    return everyOrder(rest).map((order) => [lane, ...order])
  })
}

/** What is the same for all orders that differ by swaps of independent neighbours alone. */
function classOf(order: Order, steps: readonly (readonly Footprint[])[]): string {
  const at = steps.map(() => 0)
  const events = order.map((lane) => {
    const index = at[lane] ?? 0
    at[lane] = index + 1
    return { lane, index, step: steps[lane]?.[index] }
  })
  const pairs = events.flatMap((a, i) =>
    events.slice(i + 1).flatMap((b) => {
      const ordered =
        a.lane === b.lane ||
        a.step === undefined ||
        b.step === undefined ||
        !isIndependent(a.step, b.step)
      return ordered
        ? [`${String(a.lane)}.${String(a.index)}<${String(b.lane)}.${String(b.index)}`]
        : []
    }),
  )
  return pairs.sort().join(' ')
}

describe('orders of lanes', () => {
  it('holds one of each class and no class is missing', () => {
    fc.assert(
      fc.property(lanes, (steps) => {
        const all = everyOrder(steps.map((lane) => lane.length))
        fc.pre(all.length <= 2000)
        const wanted = new Set(all.map((order) => classOf(order, steps)))
        const found = (ordersOf(steps, 2000) ?? []).map((order) => classOf(order, steps))
        assert.equal(new Set(found).size, found.length, 'none twice')
        assert.deepEqual(new Set(found), wanted)
      }),
      { numRuns: 300 },
    )
  })

  it('begins with one lane after the other', () => {
    fc.assert(
      fc.property(lanes, (steps) => {
        const [first] = ordersOf(steps, 2000) ?? [[]]
        assert.deepEqual(
          first,
          steps.flatMap((lane, index) => lane.map(() => index)),
        )
      }),
    )
  })

  it('gives up beyond the bound', () => {
    const writes = { touches: 'everything', writes: true } as const
    const lane = Array.from({ length: 30 }, () => writes)
    assert.equal(ordersOf([lane, lane], 100), undefined)
  })
})

/** Orders of a scenario with nodes `n` and `m` on images of their own, and `both` above them. */
function ordersIn(a: string, b: string): number {
  const text = scenario(
    [
      '  m: {driver: file, img: b}',
      '  both: {driver: quorum, vote-threshold: 1, children: [n, m]}',
      'steps:',
      `  - together: {a: [${a}], b: [${b}]}`,
      '    schedule: all',
    ].join('\n'),
  )
  const step = casesOf(text)[0]?.steps[0]
  assert.ok(step?.kind === 'together' && step.schedule.kind === 'all')
  return step.schedule.orders.length
}

describe('steps of actors', () => {
  it('commute on nodes that share nothing', () => {
    assert.equal(ordersIn('{io: n, do: "write 0 4k"}', '{io: m, do: "write 0 4k"}'), 1)
  })

  it('do not commute where one stands on the other', () => {
    assert.equal(ordersIn('{io: both, do: "write 0 4k"}', '{io: m, do: "write 0 4k"}'), 2)
  })

  it('commute where both only look', () => {
    assert.equal(ordersIn('{io: n, do: "read 0 4k"}', '{io: n, do: "read 0 4k"}'), 1)
  })

  it('do not commute with a command that may change anything', () => {
    assert.equal(
      ordersIn('{qmp: {blockdev-del: {node-name: both}}}', '{io: n, do: "read 0 4k"}'),
      2,
    )
  })
})
