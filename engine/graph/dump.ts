/**
 * The graph as `x-debug-query-block-graph` shows it. Numbers are handed out as things are met:
 * users with the nodes below them, then jobs, newest first, then nodes from old to new, each with its newest child first.
 * Lists show the last met first.
 */
import { permissionNames } from '../block/permission.ts'
import type { Environment } from './environment.ts'
import type { GraphDump } from './graph.ts'
import type { JobParent } from './job-user.ts'
import type { Edge, Node } from './node.ts'
import type { RootUser } from './user.ts'

type Thing = Node | RootUser | JobParent

export function dumpGraph(environment: Environment): GraphDump {
  return environment.lock.walk(() => dumped(environment))
}

function dumped({ nodes, users, jobs }: Environment): GraphDump {
  const ids = new Map<Thing, number>()
  const idOf = (thing: Thing): number => {
    const known = ids.get(thing)
    if (known !== undefined) return known
    ids.set(thing, ids.size + 1)
    return ids.size
  }
  const shown: GraphDump['nodes'][number][] = []
  const edges: GraphDump['edges'][number][] = []
  const show = (thing: Thing, type: GraphDump['nodes'][number]['type']): void => {
    shown.unshift({ id: idOf(thing), type, name: thing.name })
  }
  const showEdge = (parent: Thing, edge: Edge): void => {
    edges.unshift({
      parent: idOf(parent),
      child: idOf(edge.child),
      name: edge.name,
      perm: permissionNames(edge.claims.uses),
      'shared-perm': permissionNames(edge.claims.shares),
    })
  }
  for (const user of users) {
    show(user, user.type)
    showEdge(user, user.edge)
  }
  for (const job of [...jobs].toReversed()) {
    show(job, 'block-job')
    for (const edge of job.edges) showEdge(job, edge)
  }
  for (const node of nodes.values()) {
    show(node, 'block-driver')
    for (const edge of node.children) showEdge(node, edge)
  }
  return { nodes: shown, edges }
}
