/** The order in which exports go when the server stops, as a table of what 7.2 was seen to do. */
import assert from 'node:assert/strict'
import type { Graph } from '../graph/graph.ts'
import { closingOrder } from './closing-order.ts'
import type { NbdExport } from './nbd-export.ts'

/** Node `top` is above `a`; `b` is apart. */
const NODES = ['a', 'b', 'top']

/**
 * @param exports - In the order of their making: the node, and when a client last connected to an
 *   export that has clients.
 * @returns the exports' places in that order, as they go.
 */
function orderOf(
  exports: readonly (readonly [node: string, connected?: number])[],
  lingering: readonly string[] = [],
): string {
  const graph: Partial<Graph> = {
    find: (name) => ({ name }) as ReturnType<Graph['find']>,
    drainLingers: ({ name }) => lingering.includes(name),
    dump: () => ({
      nodes: NODES.map((name, id) => ({ id, name, type: 'block-driver' })),
      edges: [{ parent: 2, child: 0, name: 'file', perm: [], 'shared-perm': [] }],
    }),
  }
  const entries = exports.map(([nodeName, lastConnection], index) => {
    const inUse = lastConnection !== undefined
    const about = { nodeName, lastConnection, inUse } as unknown
    return [String(index), about as NbdExport] as const
  })
  // It looks at no more of the graph and of an export.
  return closingOrder(entries, graph as Graph)
    .map(([id]) => id)
    .join('')
}

describe('when the server stops, exports go', () => {
  it('as they were made, without clients', () => {
    assert.equal(orderOf([['a'], ['b'], ['a']]), '012')
  })

  it('last connected first, with clients', () => {
    assert.equal(
      orderOf([
        ['a', 3],
        ['b', 1],
        ['a', 2],
      ]),
      '021',
    )
  })

  it('idle ones first, where those with clients are on other nodes', () => {
    assert.equal(orderOf([['a', 1], ['b']]), '10')
  })

  it('after those whose clients are held up by the same node', () => {
    assert.equal(orderOf([['a'], ['a', 1], ['b']]), '210')
  })

  it('after those whose clients are held up further up', () => {
    assert.equal(orderOf([['a'], ['top', 1]]), '10')
    assert.equal(orderOf([['top'], ['a', 1]]), '01')
  })

  it('after all others where a throttle lets go of requests', () => {
    assert.equal(orderOf([['a'], ['b'], ['b']], ['a']), '120')
  })
})
