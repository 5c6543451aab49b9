/** The graph as `query-block-graph` tells it: nodes with the options that would make them again. */
import { permissionNames } from '../block/permission.ts'
import type { BlockGraph } from './answers.ts'
import { placeOf } from './describe.ts'
import type { Environment } from './environment.ts'
import type { Edge, Node } from './node.ts'

/** Nodes from old to new, so that each comes after those that it is made of; then edges. */
export function blockGraph({ nodes, users, jobs }: Environment): BlockGraph {
  const inOrder = [...nodes.values()]
  return {
    nodes: inOrder.map((node) => ({
      'node-name': node.name,
      driver: node.driver.name,
      'read-only': node.flags.readOnly,
      implicit: node.implicit,
      corrupt: node.corrupted,
      'filtered-child': node.filteredChild?.name,
      options: optionsOf(node),
    })),
    edges: [
      ...[...users].map((user) => tell('user', user.name, user.edge)),
      ...[...jobs].flatMap((job) => job.edges.map((edge) => tell('job', job.name, edge))),
      ...inOrder.flatMap((node) =>
        node.children.toReversed().map((edge) => tell('node', node.name, edge)),
      ),
    ],
  }
}

function tell(
  type: BlockGraph['edges'][number]['parent-type'],
  parent: string,
  edge: Edge,
): BlockGraph['edges'][number] {
  return {
    'parent-type': type,
    parent,
    name: edge.name,
    child: edge.child.name,
    perm: permissionNames(edge.claims.uses),
    'shared-perm': permissionNames(edge.claims.shares),
  }
}

/** As `blockdev-add` takes them, with children by their names. */
function optionsOf(node: Node): Readonly<Record<string, unknown>> {
  const { driver, flags, given } = node
  return {
    driver: driver.name,
    'node-name': node.name,
    ...(flags.readOnly ? { 'read-only': true } : {}),
    ...(flags.autoReadOnly ? { 'auto-read-only': true } : {}),
    ...(flags.forceShare ? { 'force-share': true } : {}),
    ...(flags.discard ? { discard: 'unmap' } : {}),
    ...(flags.detectZeroes === 'off' ? {} : { 'detect-zeroes': flags.detectZeroes }),
    ...(flags.direct || flags.noFlush
      ? { cache: { direct: flags.direct, 'no-flush': flags.noFlush } }
      : {}),
    ...given.own,
    ...childrenOf(node),
  }
}

function childrenOf(node: Node): Record<string, unknown> {
  const told: Record<string, unknown> = {}
  for (const [name, { list, role }] of Object.entries(node.driver.children)) {
    const child = node.edge(name)?.child
    if (list === true) told[name] = listOf(node, name)
    else if (child !== undefined) told[name] = child.name
    else if (role.cow === true) told[name] = null
  }
  return told
}

function listOf(node: Node, list: string): (string | null)[] {
  const edges = node.children.filter(({ name }) => name.startsWith(`${list}.`))
  const places = new Map(edges.map(({ name, child }) => [placeOf(name), child.name]))
  const length = Math.max(-1, ...places.keys()) + 1
  return Array.from({ length }, (_, place) => places.get(place) ?? null)
}
