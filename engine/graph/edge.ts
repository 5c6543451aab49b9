/** Attaching and detaching edges: the only code that changes who points at whom. */
import type { ChildRole } from '../block/driver.ts'
import type { Claims } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'
import { refreshClaims } from './claims.ts'
import { Edge, type Node, type Parent } from './node.ts'
import { Transaction } from './transaction.ts'

/**
 * Adds an edge and settles the permissions of all below.
 *
 * @throws {BlockError} for a cycle or a permission conflict, with the graph as before.
 */
export function attachEdge(
  parent: Parent,
  name: string,
  role: ChildRole,
  child: Node,
  claims: Claims,
): Edge {
  if (parent.asNode !== undefined) checkNoCycle(parent.asNode, name, child)
  const edge = new Edge(parent, name, role, child, claims)
  Transaction.run((transaction) => {
    link(edge)
    transaction.add({ abort: () => unlink(edge) })
    refreshClaims(child, transaction)
  })
  return edge
}

/** Removes an edge; giving up claims never conflicts. */
export function detachEdge(edge: Edge): void {
  unlink(edge)
  Transaction.run((transaction) => refreshClaims(edge.child, transaction))
}

function link(edge: Edge): void {
  edge.child.parents.unshift(edge)
  edge.parent.asNode?.children.unshift(edge)
  edge.parent.asNode?.forgetLimits()
  // A section of the child reaches all its parents, also those that come later.
  if (edge.child.activity.quiesced) edge.parent.drainedBegin()
}

function unlink(edge: Edge): void {
  if (edge.child.activity.quiesced) edge.parent.drainedEnd()
  take(edge.child.parents, edge)
  if (edge.parent.asNode === undefined) return
  take(edge.parent.asNode.children, edge)
  edge.parent.asNode.forgetLimits()
}

function take(edges: Edge[], edge: Edge): void {
  const index = edges.indexOf(edge)
  assert(index >= 0, `edge ${edge.name} is not linked`)
  edges.splice(index, 1)
}

function checkNoCycle(parent: Node, name: string, child: Node): void {
  // A node that is still opening can only be named by the options nested in its own.
  if (child.isOpen && !reaches(child, parent)) return
  throw new BlockError(
    `Making '${child.name}' a ${name} child of '${parent.name}' would create a cycle`,
  )
}

function reaches(from: Node, target: Node): boolean {
  return from === target || from.children.some((edge) => reaches(edge.child, target))
}
