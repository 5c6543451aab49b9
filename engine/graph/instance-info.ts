/** What a node's driver tells of its image. */
import { isProtocol, type InstanceInfo } from '../block/driver.ts'
import type { Node } from './node.ts'

/** What is known already while nodes are asked, which ask those below them, and these again. */
let told: Map<Node, InstanceInfo> | undefined

/**
 * What the node's driver tells; storage that it does not count itself is its children's.
 *
 * @param known - What other nodes told at the same time.
 */
export function instanceInfo(node: Node, known?: Map<Node, InstanceInfo>): InstanceInfo {
  const outer = told
  told = known ?? outer ?? new Map<Node, InstanceInfo>()
  try {
    const info = told.get(node) ?? infoOf(node)
    told.set(node, info)
    return info
  } finally {
    told = outer
  }
}

function infoOf(node: Node): InstanceInfo {
  const own = node.instance.info?.() ?? {}
  if (own.allocatedBytes !== undefined || node.children.length === 0) return own
  // What a protocol stores need not lie in its children, so that nobody adds that up.
  if (isProtocol(node.driver)) return own
  let allocatedBytes = 0
  for (const edge of node.children) {
    // What lies behind a node is not its own.
    if (edge.role.cow === true) continue
    const below = instanceInfo(edge.child).allocatedBytes
    if (below === undefined) return own
    allocatedBytes += below
  }
  return { ...own, allocatedBytes }
}
