/** Drained sections: root users hold new requests back, and all that run have completed. */
import type { Activity } from './activity.ts'
import type { DrainedSection, DrainScope } from './graph.ts'
import type { Node } from './node.ts'

/** Begins a section; the promise resolves when nothing is in flight any more. */
export async function beginDrained(node: Node, scope: DrainScope = {}): Promise<DrainedSection> {
  const nodes = scope.subtree === true ? [...withAll(node, below)] : [node]
  for (const member of nodes) member.drainedBegin()
  await settled(nodes)
  return section(nodes)
}

/** A section of all nodes together; as in 7.2 they are let go in the order in which they began. */
export async function drainAll(nodes: readonly Node[]): Promise<DrainedSection> {
  for (const node of nodes) node.drainedBegin()
  await settled(nodes)
  return section(nodes.toReversed())
}

function section(nodes: readonly Node[]): DrainedSection {
  let open = true
  const end = (): void => {
    if (!open) return
    open = false
    for (const member of nodes.toReversed()) member.drainedEnd()
  }
  return {
    end,
    [Symbol.asyncDispose]() {
      end()
      return Promise.resolve()
    },
  }
}

/**
 * Requests of a parent may be between two requests to its child, and those of a user may be about
 * to be answered: all above must be idle too.
 */
async function settled(nodes: readonly Node[]): Promise<void> {
  const watched = new Set<Activity>()
  for (const node of nodes.flatMap((start) => [...withAll(start, above)])) {
    watched.add(node.activity)
    for (const edge of node.parents) watched.add(edge.parent.activity)
  }
  for (;;) {
    const busy = [...watched].find((activity) => activity.inFlight > 0)
    if (busy === undefined) return
    await busy.idle()
  }
}

function below(node: Node): Node[] {
  return node.children.map((edge) => edge.child)
}

function above(node: Node): Node[] {
  return node.parents.flatMap((edge) => edge.parent.asNode ?? [])
}

function withAll(start: Node, next: (node: Node) => Node[]): Set<Node> {
  const found = new Set([start])
  for (const node of found) for (const other of next(node)) found.add(other)
  return found
}

/** Whether a driver of the node or above it has something to do when a section begins. */
export function drainLingers(node: Node): boolean {
  if (node.instance.drainedBegin !== undefined) return true
  return node.parents.some(
    ({ parent }) => parent.asNode !== undefined && drainLingers(parent.asNode),
  )
}
