/** What nodes demand of requests, with what those below them demand. */
import type { Limits } from '../block/driver.ts'
import type { Node } from './node.ts'

const NO_LIMITS: Limits = {
  requestAlignment: 1,
  maxTransfer: 0,
  optimalTransfer: 0,
  zeroAlignment: 1,
  maxZero: 0,
  discardAlignment: 1,
  maxDiscard: 0,
}

/**
 * What a node demands of requests. How much moves at once concerns all nodes below too; each takes
 * care of blocks itself, since its offsets need not be its child's.
 */
export function limitsOf(node: Node): Limits {
  const own: Limits = { ...NO_LIMITS, ...node.instance.limits?.() }
  let { maxTransfer, optimalTransfer } = own
  for (const { child, role } of node.children) {
    // No request of a parent's goes on to a child that only has the parent's own structures.
    if (role.data !== true && role.filtered !== true && role.cow !== true) continue
    const below = child.limits()
    const bounds = [maxTransfer, below.maxTransfer].filter((bytes) => bytes > 0)
    maxTransfer = bounds.length === 0 ? 0 : Math.min(...bounds)
    optimalTransfer = Math.max(optimalTransfer, below.optimalTransfer)
  }
  // What the driver itself asks for may be more than its children can do: they split again.
  if (own.maxTransfer > 0) maxTransfer = own.maxTransfer
  return { ...own, maxTransfer, optimalTransfer }
}
