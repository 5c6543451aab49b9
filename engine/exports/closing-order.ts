/**
 * In which order all exports go when the server stops, as 7.2 does it. One without clients lets go
 * of its node in a drained section; if clients of another export are in the way of that, or a
 * throttle lets go of its requests first, whatever else is to go goes meanwhile.
 */
import type { Graph } from '../graph/graph.ts'
import type { NbdExport } from './nbd-export.ts'

type Entry = readonly [id: string, found: NbdExport]

/** @param all - In the order of their making. */
export function closingOrder(all: readonly Entry[], graph: Graph): readonly Entry[] {
  const isAbove = aboveIn(graph)
  const idle = all.filter(([, found]) => !found.inUse)
  const busy = all
    .filter(([, found]) => found.inUse)
    .sort(([, left], [, right]) => left.lastConnection - right.lastConnection)
  const order = new Set<Entry>()
  const drained = new Set<string>()
  const holdUp = (): Entry[] =>
    busy.filter(
      (entry) => !order.has(entry) && [...drained].some((node) => isAbove(entry[1].nodeName, node)),
    )
  const removeIdle = (): void => {
    for (let next = idle.shift(); next !== undefined; next = idle.shift()) {
      const before = holdUp().length
      const node = next[1].nodeName
      const fresh = !drained.has(node)
      drained.add(node)
      if (holdUp().length > before || graph.drainLingers(graph.find(node))) {
        removeIdle()
        for (const entry of holdUp()) order.add(entry)
      }
      if (fresh) drained.delete(node)
      order.add(next)
    }
  }
  removeIdle()
  for (const entry of busy.toReversed()) order.add(entry)
  return [...order]
}

/** Whether a section of the second node holds up users of the first: it is the same, or above. */
function aboveIn(graph: Graph): (name: string, below: string) => boolean {
  const { nodes, edges } = graph.dump()
  const names = new Map(nodes.map(({ id, name }) => [id, name]))
  const children = new Map<string, string[]>()
  for (const { parent, child } of edges) {
    const name = names.get(parent) ?? ''
    children.set(name, [...(children.get(name) ?? []), names.get(child) ?? ''])
  }
  const isAbove = (name: string, below: string): boolean =>
    name === below || (children.get(name) ?? []).some((child) => isAbove(child, below))
  return isAbove
}
