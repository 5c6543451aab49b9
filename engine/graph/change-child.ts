/** `x-blockdev-change`: adds a child to a node, takes one away, or puts another in its place. */
import { BlockError } from '../util/errors.ts'
import { claimsOn, refreshClaims } from './claims.ts'
import { placeOf } from './describe.ts'
import { beginDrained } from './drain.ts'
import { attachEdge, detachEdge } from './edge.ts'
import { findNode, findReference, type Environment } from './environment.ts'
import type { ChildChange } from './graph.ts'
import { closeIfUnused } from './lifecycle.ts'
import type { Edge, Node } from './node.ts'
import { setChild } from './replace-child.ts'
import { Transaction } from './transaction.ts'

/** Places of a list that a name may mean; names beyond would only make lists of holes. */
const MAX_PLACES = 65_536

/** @throws {BlockError} with the graph as before. */
export async function changeChild(environment: Environment, change: ChildChange): Promise<void> {
  const parent = findReference(environment, change.parent)
  const { child, node } = change
  if (environment.profile['quorum.explicitNames']) {
    await setNamedChild(environment, parent, child ?? '', node)
    return
  }
  if (child !== undefined && typeof node === 'string') {
    throw new BlockError('The parameters child and node are in conflict')
  }
  if (child !== undefined) return removeChild(environment, parent, child)
  if (typeof node === 'string') return addChild(environment, parent, node)
  throw new BlockError('Either child or node must be specified')
}

/** @param name - Absent: the driver takes the name that is next. */
async function addChild(
  environment: Environment,
  parent: Node,
  node: string,
  name?: string,
): Promise<void> {
  const child = environment.nodes.get(node)
  if (child === undefined) throw new BlockError(`Node '${node}' not found`)
  const declared = Object.values(parent.driver.children).find(({ list }) => list === true)
  if (parent.instance.childToAdd === undefined || declared === undefined) {
    throw new BlockError(`The node ${parent.name} does not support adding a child`)
  }
  if (name === undefined && child.parents.length > 0) {
    throw new BlockError(`The node ${node} already has a parent`)
  }
  const next = parent.instance.childToAdd()
  const edge = name ?? next
  await using _drained = await beginDrained(parent)
  const claims = claimsOn(parent, { name: edge, role: declared.role, child })
  const attached = attachEdge(parent, edge, declared.role, child, claims)
  if (name !== undefined) keepIf(attached, () => parent.instance.checkChildren?.())
  parent.instance.childrenChanged?.({ added: edge })
}

/** Takes an edge off again where a check fails. */
function keepIf(edge: Edge, check: () => void): void {
  try {
    check()
  } catch (error) {
    detachEdge(edge)
    throw error
  }
}

async function removeChild(environment: Environment, parent: Node, name: string): Promise<void> {
  const edge = parent.edge(name)
  if (edge === undefined) {
    throw new BlockError(`Node '${parent.name}' does not have child '${name}'`)
  }
  const { instance } = parent
  if (instance.checkChildRemoval === undefined) {
    throw new BlockError(`The node ${parent.name} does not support removing a child`)
  }
  instance.checkChildRemoval(name)
  {
    await using _drained = await beginDrained(parent)
    detachEdge(edge)
    instance.childrenChanged?.({ removed: name })
  }
  await closeIfUnused(environment, edge.child)
}

/** The edge is the client's choice; `null` takes it away and leaves a hole in a list. */
async function setNamedChild(
  environment: Environment,
  parent: Node,
  name: string,
  node: string | null | undefined,
): Promise<void> {
  if (typeof node !== 'string') return removeChild(environment, parent, name)
  const edge = parent.edge(name)
  const child = findNode(environment, node)
  if (edge !== undefined) return replaceNamed(environment, edge, child)
  if (!isFreePlace(parent, name)) {
    const names = parent.children
      .map((other) => other.name)
      .sort((left, right) => placeOf(left) - placeOf(right))
      .map((other) => `'${other}'`)
    throw new BlockError(
      `Node '${parent.name}' has no child '${name}'; there ` +
        (names.length === 0 ? 'is none' : `are ${names.join(', ')}`),
    )
  }
  await addChild(environment, parent, node, name)
}

function isFreePlace({ driver }: Node, name: string): boolean {
  const lists = Object.entries(driver.children).filter(([, { list }]) => list === true)
  return lists.some(
    ([list]) =>
      /^(?:0|[1-9]\d*)$/.test(name.slice(list.length + 1)) &&
      name.startsWith(`${list}.`) &&
      placeOf(name) < MAX_PLACES,
  )
}

async function replaceNamed(environment: Environment, edge: Edge, child: Node): Promise<void> {
  const { name, child: old } = edge
  const parent = edge.parent.asNode
  if (parent === undefined || old === child) return
  {
    await using _parent = await beginDrained(parent, { subtree: true })
    await using _child = await beginDrained(child, { subtree: true })
    Transaction.run((transaction) => {
      setChild(parent, name, child, transaction)
      parent.instance.checkChildren?.()
      refreshClaims([parent, old], transaction)
    })
    parent.instance.childrenChanged?.({})
  }
  await closeIfUnused(environment, old)
}
