/** Takes the `faults` out of the options of a node and of the children written inside it. */
import { shorten } from './check.ts'
import type { Context } from './context.ts'
import { makeFaults } from './fault.ts'
import type { NodeFaults } from './plan.ts'
import { find, spanOf, type ListNode, type MapNode, type Node } from './tree.ts'

/** Options as they are sent, and the rules by where they stood. */
export interface Separated {
  readonly options: MapNode
  readonly faults: readonly NodeFaults[]
}

export function separateFaults(context: Context, name: string, options: MapNode): Separated {
  const faults: NodeFaults[] = []
  const stripped = inMap(context, options, [], faults, name)
  return { options: stripped, faults }
}

type Path = readonly (string | number)[]

function inMap(
  context: Context,
  map: MapNode,
  path: Path,
  faults: NodeFaults[],
  name: string | undefined,
): MapNode {
  const entry = find(map, 'faults')
  const single = find(map, 'fault')
  if (single !== undefined) {
    context.problem(single.key, 'unknown-key', "a node has no key 'fault'", {
      help: "did you mean 'faults'?",
    })
  }
  if (entry !== undefined) {
    faults.push({ path, rules: makeFaults(context, entry.value, "'faults'") })
    const own = find(map, 'node-name')?.value
    const named = name ?? (own?.kind === 'scalar' ? own.text : undefined)
    if (named !== undefined) context.names.add('faulty', named, spanOf(entry.key))
    if (find(map, 'driver') === undefined) {
      context.problem(entry.key, 'fault-place', 'faults belong to a node with a driver')
    }
  }
  const entries = map.entries.flatMap((item) =>
    item.name === 'faults' || item.name === 'fault'
      ? []
      : [{ ...item, value: inside(context, item.value, [...path, item.name], faults) }],
  )
  return { ...map, entries }
}

function inside(context: Context, node: Node, path: Path, faults: NodeFaults[]): Node {
  if (node.kind === 'map') return inMap(context, node, path, faults, undefined)
  if (node.kind === 'list') return inList(context, node, path, faults)
  return node
}

function inList(context: Context, list: ListNode, path: Path, faults: NodeFaults[]): ListNode {
  const items = list.items.map((item, index) => inside(context, item, [...path, index], faults))
  return { ...list, items }
}

/** Commands are sent as they are: nothing is lowered in them. */
export function checkNoFaults(context: Context, options: MapNode): void {
  const entry = find(options, 'faults')
  if (entry === undefined) return
  context.problem(entry.key, 'fault-place', 'a command takes no faults', {
    help: 'declare the node under nodes, or add it with   - node: {NAME: {…, faults: […]}}',
  })
}

/** Reports a node at which nothing can fail on purpose. */
export function checkFaulty(context: Context, node: Node, name: string): void {
  const { names } = context
  if (!names.lacks('faulty', name) || names.lacks('node', name)) return
  const declared = names.find('node', name)
  context.doubt(node, 'fault-node', `node '${shorten(name)}' is not declared with faults`, {
    ...(declared === undefined ? {} : { notes: [{ message: 'declared here', span: declared }] }),
    help: `write   faults: []   among its options`,
  })
}
