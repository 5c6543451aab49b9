/** Puts other nodes in the place of a node's children, as restated options name them. */
import type { ChildRole, Driver } from '../block/driver.ts'
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
  readonly name: string
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
  const mayCycle = environment.profile['reopen.cycleCheck'] === 'final-graph'
  setChild(node, name, child, transaction, mayCycle)
  return edge === undefined ? [] : [edge.child]
}

function findChild(environment: Environment, node: Node, name: string, value: string): Node {
  const child = findNamed(environment, value)
  if (environment.profile['reopen.cycleCheck'] === 'list-order') checkNoCycle(node, name, child)
  return child
}

/**
 * The same for every child that the driver declares, lists included: whatever is not restated is
 * taken away.
 */
export function replaceChildren(
  environment: Environment,
  entry: Entry,
  transaction: Transaction,
): Node[] {
  const { node } = entry
  const old = Object.entries(node.driver.children).flatMap(([name, { list, role }]) => {
    if (list === true) return restateList(environment, { entry, name }, transaction)
    if (role.cow !== true && isGone(entry, name)) entry.options.set(name, null)
    return replaceChild(environment, { entry, name }, transaction)
  })
  node.instance.checkChildren?.()
  return old
}

/** Neither kept nor named. */
function isGone({ node, options, keep, kept }: Entry, name: string): boolean {
  return !keep && !options.has(name) && !kept.has(name) && node.edge(name) !== undefined
}

function restateList(
  environment: Environment,
  { entry, name: list }: Change,
  transaction: Transaction,
): Node[] {
  const { node, options } = entry
  const elements = [...options.keys()].filter((name) => isElement(list, name))
  const edges = node.children.map(({ name }) => name).filter((name) => isElement(list, name))
  for (const name of edges) if (isGone(entry, name)) options.set(name, null)
  const names = new Set([...edges, ...elements])
  return [...names].flatMap((name) => replaceChild(environment, { entry, name }, transaction))
}

/** Whether it is the name of a child, or of a place in a list of children. */
export function isChildName({ children }: Driver, name: string): boolean {
  const [head = ''] = name.split('.', 1)
  const declared = children[head]
  return (
    declared !== undefined && (name === head || (declared.list === true && isElement(head, name)))
  )
}

function isElement(list: string, name: string): boolean {
  return name.startsWith(`${list}.`) && /^\d+$/.test(name.slice(list.length + 1))
}

/**
 * Links a node's child to another node, or to none. Permissions are settled later.
 *
 * @param mayCycle - Whoever calls looks for cycles later.
 */
export function setChild(
  node: Node,
  name: string,
  child: Node | undefined,
  transaction: Transaction,
  mayCycle = false,
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
      mayCycle,
    },
    transaction,
  )
  if (belongs) setHeir(child, node, transaction)
}

function roleOf(node: Node, name: string, edge: Edge | undefined): ChildRole {
  const { driver } = node
  if (name === 'backing' && driver.kind !== 'filter' && driver.children['backing'] === undefined) {
    throw new BlockError(
      `Driver '${driver.name}' of node '${node.name}' does not support backing files`,
    )
  }
  const role = edge?.role ?? (name === 'file' ? undefined : declaredRole(driver, name))
  if (role === undefined) {
    throw new BlockError('Cannot set file child to format node without file child')
  }
  return role
}

function declaredRole({ children }: Driver, name: string): ChildRole | undefined {
  return (children[name] ?? children[name.slice(0, name.lastIndexOf('.'))])?.role
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
