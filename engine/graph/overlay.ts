/** External snapshots: an overlay is put above a node, and above it all that was above the node. */
import { ALL_PERMISSIONS, CONSISTENT_READ, NO_PERMISSIONS } from '../block/permission.ts'
import { BlockError } from '../util/errors.ts'
import { refreshClaims } from './claims.ts'
import { linkEdge } from './edge.ts'
import { bringTogether } from './home.ts'
import type { Node } from './node.ts'
import { cumulative } from './permission.ts'
import { moveParents } from './replace-node.ts'
import { Transaction } from './transaction.ts'

/**
 * Puts the overlay above the node, which must be drained.
 *
 * @throws {BlockError} with the graph as before.
 */
export async function putOverlay(node: Node, overlay: Node): Promise<void> {
  checkOverlay(overlay)
  const role = overlay.driver.children['backing']?.role
  if (role?.cow !== true) throw new BlockError('The overlay does not support backing images')
  await bringTogether(node, overlay)
  Transaction.run((transaction) => {
    const claims = { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }
    linkEdge({ parent: overlay, name: 'backing', role, child: node, claims }, transaction)
    moveParents(node, overlay, transaction)
    refreshClaims([overlay], transaction)
  })
}

/** Who uses it already may not have taken it for an image yet. */
function checkOverlay(overlay: Node): void {
  const { uses } = cumulative(overlay.parents.map(({ claims }) => claims))
  if ((uses & CONSISTENT_READ) !== 0) throw new BlockError('The overlay is already in use')
  if (overlay.driver.kind === 'filter') throw new BlockError('Filters cannot be used as overlays')
  if (overlay.cowChild !== undefined) {
    throw new BlockError('The overlay already has a backing image')
  }
}
