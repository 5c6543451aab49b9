/** Puts another node in the place of a node's file or backing child. */
import type { ChildRole } from '../block/driver.ts'
import { NO_PERMISSIONS, ALL_PERMISSIONS } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'
import { skipImplicit } from './chain.ts'
import { checkNoCycle, linkEdge, unlinkEdge } from './edge.ts'
import { findNamed, type Environment } from './environment.ts'
import { checkThawed } from './freeze.ts'
import type { Edge, Node } from './node.ts'
import type { Entry } from './reopen-queue.ts'
import type { Transaction } from './transaction.ts'

interface Change {
  readonly entry: Entry
  readonly name: 'backing' | 'file'
}

/**
 * Does what an entry says of one child. Permissions are settled later.
 *
 * @returns The child that was replaced, if one was.
 */
export function replaceChild(
  environment: Environment,
  { entry: { node, options }, name }: Change,
  transaction: Transaction,
): Node[] {
  const value = options.get(name)
  if (value === undefined) return []
  assert(value === null || typeof value === 'string', 'a child is nested, named or null')
  const child = value === null ? undefined : findChild(environment, node, name, value)
  const edge = node.edge(name)
  if (edge?.child === child) return []
  if (edge !== undefined) {
    if (skipImplicit(edge.child) === child) return []
    if (edge.child.implicit) {
      throw new BlockError(`Cannot replace implicit ${name} child of ${node.name}`)
    }
  }
  if (node.driver.kind === 'filter' && edge === undefined) {
    throw new BlockError(
      `'${node.name}' is a ${node.driver.name} filter node that does not support a ${name} child`,
    )
  }
  setChild(node, name, child, transaction)
  return edge === undefined ? [] : [edge.child]
}

function findChild(environment: Environment, node: Node, name: string, value: string): Node {
  const child = findNamed(environment, value)
  checkNoCycle(node, name, child)
  return child
}

/** Links a node's child to another node, or to none. Permissions are settled later. */
export function setChild(
  node: Node,
  name: 'backing' | 'file',
  child: Node | undefined,
  transaction: Transaction,
): void {
  const edge = node.edge(name)
  if (edge !== undefined) checkThawed(edge)
  const role = roleOf(node, name, edge)
  const belongs = child !== undefined && inheritsFrom(child, node)
  if (edge !== undefined) {
    if (edge.child.inheritsFrom === node) setHeir(edge.child, undefined, transaction)
    unlinkEdge(edge, transaction)
  }
  if (child === undefined) return
  linkEdge(
    {
      parent: node,
      name,
      role,
      child,
      claims: { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS },
      replaces: edge,
    },
    transaction,
  )
  if (belongs) setHeir(child, node, transaction)
}

function roleOf(node: Node, name: 'backing' | 'file', edge: Edge | undefined): ChildRole {
  const { driver } = node
  if (name === 'backing' && driver.kind !== 'filter' && driver.children['backing'] === undefined) {
    throw new BlockError(
      `Driver '${driver.name}' of node '${node.name}' does not support backing files`,
    )
  }
  const role = edge?.role ?? (name === 'backing' ? driver.children['backing']?.role : undefined)
  if (role === undefined) {
    throw new BlockError('Cannot set file child to format node without file child')
  }
  return role
}

/** Whether a node's options were nested in those of another one, directly or further up. */
function inheritsFrom(node: Node, ancestor: Node): boolean {
  for (let next = node.inheritsFrom; next !== undefined; next = next.inheritsFrom) {
    if (next === ancestor) return true
  }
  return false
}

function setHeir(node: Node, parent: Node | undefined, transaction: Transaction): void {
  const before = node.inheritsFrom
  node.inheritsFrom = parent
  transaction.add({
    abort() {
      node.inheritsFrom = before
    },
  })
}
