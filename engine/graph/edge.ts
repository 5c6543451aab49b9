/** Attaching and detaching edges: the only code that changes who points at whom. */
import type { ChildRole } from '../block/driver.ts'
import type { Claims } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'
import { refreshClaims } from './claims.ts'
import { joinHome } from './home.ts'
import { ALLOWED_ON_BACKING } from './op-blockers.ts'
import { Edge, type EdgeAbout, type Node, type Parent } from './node.ts'
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
  return Transaction.run((transaction) => {
    const edge = linkEdge({ parent, name, role, child, claims }, transaction)
    refreshClaims([child], transaction)
    return edge
  })
}

/**
 * Removes an edge. Giving up claims never conflicts; where what was resized meanwhile cannot be
 * written to without them, the claims below stay as they are.
 */
export function detachEdge(edge: Edge): void {
  Transaction.run((transaction) => {
    unlinkEdge(edge, transaction)
  })
  try {
    Transaction.run((transaction) => {
      refreshClaims([edge.child], transaction)
    })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
  }
}

/** Adds an edge whose claims are settled later. @throws {BlockError} for a cycle, or for two threads. */
export function linkEdge(about: EdgeAbout, transaction: Transaction): Edge {
  const { parent, name, child, mayCycle } = about
  if (parent.asNode !== undefined && mayCycle !== true) checkNoCycle(parent.asNode, name, child)
  if (child.readableRuin) {
    throw new BlockError(`Node '${child.name}' is corrupt: nothing new can use it`, {
      errno: 'ENOMEDIUM',
    })
  }
  const edge = new Edge(about)
  const seated = edge.seat.edge
  link(edge)
  edge.seat.edge = edge
  transaction.add({
    abort() {
      edge.seat.edge = seated
      unlink(edge)
    },
  })
  return edge
}

/** Removes an edge; the claims below are settled later. */
export function unlinkEdge(edge: Edge, transaction: Transaction): void {
  unlink(edge)
  // As in 7.2, an edge that comes back is the newest one.
  transaction.add({ abort: () => link(edge) })
}

/**
 * Leads an edge to another node, as the newest of that one's parents and of its parent's children;
 * claims are settled later. For the parent's driver the child stays what it is, where it is.
 */
export function moveEdge(edge: Edge, to: Node, transaction: Transaction): void {
  const from = edge.child
  move(edge, to)
  transaction.add({
    abort() {
      move(edge, from)
    },
  })
}

/** @throws {BlockError} if the child, or one below it, is the parent. */
export function checkNoCycle(parent: Node, name: string, child: Node): void {
  // A node that is still opening can only be named by the options nested in its own.
  if (!child.isOpen || reaches(child, parent)) wouldCycle(parent, name, child)
}

/** @throws {BlockError} if the node is below itself. */
export function checkNotBelowItself(node: Node): void {
  const seen = new Set<Node>()
  const visit = (from: Node): boolean => {
    if (from === node) return true
    if (seen.has(from)) return false
    seen.add(from)
    return from.children.some(({ child }) => visit(child))
  }
  for (const { name, child } of node.children) if (visit(child)) wouldCycle(node, name, child)
}

function wouldCycle(parent: Node, name: string, child: Node): never {
  throw new BlockError(
    `Making '${child.name}' a ${name} child of '${parent.name}' would create a cycle`,
  )
}

/** Users and jobs come when they like, between walks. */
function assertMayLead({ parent, child: { lock } }: Edge): void {
  lock.assertUnwatched()
  if (parent.asNode !== undefined) lock.assertTurn()
}

/** The newest comes first. */
function link(edge: Edge): void {
  assertMayLead(edge)
  const parent = edge.parent.asNode
  if (parent !== undefined) joinHome(edge.child, parent)
  sit(edge)
  parent?.children.unshift(edge)
  parent?.childrenChanged()
  // A section of the child reaches all its parents, also those that come later.
  if (edge.child.activity.quiesced) edge.parent.drainedBegin()
}

function unlink(edge: Edge): void {
  // A node that nobody finds any more lets go of those below whenever it is done.
  edge.child.lock.assertUnwatched()
  if (edge.child.activity.quiesced) edge.parent.drainedEnd()
  rise(edge)
  const parent = edge.parent.asNode
  if (parent !== undefined) take(parent.children, edge)
  parent?.childrenChanged()
}

function move(edge: Edge, to: Node): void {
  assertMayLead(edge)
  const { parent, child: from } = edge
  rise(edge)
  edge.child = to
  sit(edge)
  if (parent.asNode !== undefined) {
    // Measured on 7.2: it is the newest of the parent's children too. Its driver sees no other order.
    take(parent.asNode.children, edge)
    parent.asNode.children.unshift(edge)
  }
  // In this order nobody starts in between who is to wait for both.
  if (to.activity.quiesced) parent.drainedBegin()
  if (from.activity.quiesced) parent.drainedEnd()
}

/** The lower end of the edge takes its place at the node below. */
function sit(edge: Edge): void {
  const { child, parent, role } = edge
  child.parents.unshift(edge)
  if (role.cow !== true) return
  const reason = `node is used as backing hd of '${parent.name}'`
  edge.unblock = child.opBlockers.block(reason, ALLOWED_ON_BACKING)
}

function rise(edge: Edge): void {
  edge.unblock?.()
  edge.unblock = undefined
  take(edge.child.parents, edge)
}

function take(edges: Edge[], edge: Edge): void {
  const index = edges.indexOf(edge)
  assert(index >= 0, `edge ${edge.name} is not linked`)
  edges.splice(index, 1)
}

/** Whether one node is the other or somewhere above it. */
export function reaches(from: Node, target: Node): boolean {
  return from === target || from.children.some((edge) => reaches(edge.child, target))
}
