/**
 * The orders in which lanes can be played. Two steps that touch nothing in common, or that both
 * only look, may change places without anybody noticing; of all orders that differ by such changes
 * alone one is listed.
 */

/** What a step touches: names of nodes and images, or everything. */
export interface Footprint {
  readonly touches: ReadonlySet<string> | 'everything'
  readonly writes: boolean
}

/** Places that the search may visit before it gives up. */
const MOST_VISITS = 100_000

export function isIndependent(a: Footprint, b: Footprint): boolean {
  if (!a.writes && !b.writes) return true
  if (a.touches === 'everything' || b.touches === 'everything') return false
  for (const name of a.touches) if (b.touches.has(name)) return false
  return true
}

/**
 * One order, as indices of lanes, of every class of orders that are alike; the first is the lanes
 * one after the other. `undefined` if there are more than `most`.
 *
 * It is a search in depth with sleep sets: having tried lane `a` first, what follows lane `b` need
 * not try `a` again until something comes that `a` does not commute with.
 */
export function ordersOf(
  lanes: readonly (readonly Footprint[])[],
  most: number,
): readonly (readonly number[])[] | undefined {
  const found: number[][] = []
  const total = lanes.reduce((sum, lane) => sum + lane.length, 0)
  let visits = 0

  const explore = (
    at: readonly number[],
    order: readonly number[],
    asleep: ReadonlySet<number>,
  ): boolean => {
    visits += 1
    if (visits > MOST_VISITS || found.length > most) return false
    if (order.length === total) {
      found.push([...order])
      return true
    }
    const tried = new Set(asleep)
    for (const [lane, steps] of lanes.entries()) {
      const step = steps[at[lane] ?? 0]
      if (step === undefined || asleep.has(lane)) continue
      const sleeping = [...tried].filter((other) => {
        const next = lanes[other]?.[at[other] ?? 0]
        return next !== undefined && isIndependent(next, step)
      })
      const after = at.map((index, other) => (other === lane ? index + 1 : index))
      if (!explore(after, [...order, lane], new Set(sleeping))) return false
      tried.add(lane)
    }
    return true
  }

  const complete = explore(
    lanes.map(() => 0),
    [],
    new Set(),
  )
  return complete && found.length <= most ? found : undefined
}
