/**
 * The threads that nodes are at home in. All nodes that hang together, by edges or by jobs, have one
 * home. It shows in drained sections alone: requests run in the one thread that there is.
 */
import { drainAll } from './drain.ts'
import type { Environment } from './environment.ts'
import type { Node } from './node.ts'

/**
 * Moves all that hangs together with a node, drained; what is there already stays undisturbed. It must
 * be the caller's turn to change the graph.
 */
export async function moveHome(
  environment: Environment,
  node: Node,
  home: string | undefined,
): Promise<void> {
  if (node.home === home) return
  const nodes = [...together(environment, node)]
  const section = await drainAll(nodes)
  for (const member of nodes) member.home = home
  section.end()
}

/** What gets a parent moves to where that one is at home. */
export function joinHome(child: Node, home: string | undefined): void {
  if (child.home === home) return
  for (const member of linked([child])) member.home = home
}

/** All nodes that edges lead to, up and down. */
function linked(starts: Iterable<Node>): Set<Node> {
  const found = new Set(starts)
  for (const node of found) {
    for (const { child } of node.children) found.add(child)
    for (const { parent } of node.parents) if (parent.asNode !== undefined) found.add(parent.asNode)
  }
  return found
}

function together(environment: Environment, start: Node): Set<Node> {
  const found = linked([start])
  for (const node of found) {
    for (const job of environment.jobs) {
      if (!job.uses(node)) continue
      for (const other of linked(job.edges.map(({ child }) => child))) found.add(other)
    }
  }
  return found
}
