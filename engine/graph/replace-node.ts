/**
 * Puts one node in another one's place at those above it. Their edges stay what they are and lead
 * somewhere else; edges of jobs stay where they are.
 */
import { BlockError } from '../util/errors.ts'
import { refreshClaims } from './claims.ts'
import { moveEdge, reaches, unlinkEdge } from './edge.ts'
import type { Edge, Node } from './node.ts'
import { Transaction } from './transaction.ts'

/**
 * The node must be drained.
 *
 * @throws {BlockError} for a frozen edge or a permission conflict, with the graph as before.
 */
export function replaceNode(node: Node, next: Node): void {
  Transaction.run((transaction) => {
    moveParents(node, next, transaction)
    refreshClaims([next, node], transaction)
  })
}

/** Takes a drained filter out: its parents get what it shows, and it shows nothing any more. */
export function bypassFilter(filter: Node, shown: Edge): void {
  Transaction.run((transaction) => {
    moveParents(filter, shown.child, transaction)
    unlinkEdge(shown, transaction)
    refreshClaims([shown.child, filter], transaction)
  })
}

/**
 * Moves all parents but those that stand below the other node themselves. Claims are settled later.
 *
 * @throws {BlockError} where somebody relies on one of the edges.
 */
export function moveParents(node: Node, next: Node, transaction: Transaction): void {
  moveEdges(movableParents(node, next), next, transaction)
}

/** Edges of all parents but jobs and those that stand below the other node themselves. */
export function movableParents(node: Node, next: Node): readonly Edge[] {
  return node.parents.filter(
    ({ parent }) =>
      parent.kind !== 'job' && (parent.asNode === undefined || !reaches(next, parent.asNode)),
  )
}

/** Claims are settled later. @throws {BlockError} where somebody relies on one of the edges. */
export function moveEdges(edges: readonly Edge[], next: Node, transaction: Transaction): void {
  for (const edge of edges) {
    if (edge.frozen) {
      throw new BlockError(`Cannot change '${edge.name}' link to '${edge.child.name}'`, {
        errno: 'EPERM',
      })
    }
    moveEdge(edge, next, transaction)
  }
}
