/** `x-blockdev-change`: adds a child to a node or takes one away. */
import { BlockError } from '../util/errors.ts'
import { claimsOn } from './claims.ts'
import { beginDrained } from './drain.ts'
import { attachEdge, detachEdge } from './edge.ts'
import { findReference, type Environment } from './environment.ts'
import type { ChildChange } from './graph.ts'
import { closeIfUnused } from './lifecycle.ts'
import type { Node } from './node.ts'

/** @throws {BlockError} with the graph as before. */
export async function changeChild(environment: Environment, change: ChildChange): Promise<void> {
  const parent = findReference(environment, change.parent)
  if (change.child !== undefined && change.node !== undefined) {
    throw new BlockError('The parameters child and node are in conflict')
  }
  if (change.child !== undefined) return removeChild(environment, parent, change.child)
  if (change.node !== undefined) return addChild(environment, parent, change.node)
  throw new BlockError('Either child or node must be specified')
}

async function addChild(environment: Environment, parent: Node, name: string): Promise<void> {
  const child = environment.nodes.get(name)
  if (child === undefined) throw new BlockError(`Node '${name}' not found`)
  const declared = Object.values(parent.driver.children).find(({ list }) => list === true)
  if (parent.instance.childToAdd === undefined || declared === undefined) {
    throw new BlockError(`The node ${parent.name} does not support adding a child`)
  }
  if (child.parents.length > 0) throw new BlockError(`The node ${name} already has a parent`)
  const edge = parent.instance.childToAdd()
  await using _drained = await beginDrained(parent)
  const claims = claimsOn(parent, { name: edge, role: declared.role, child })
  const attached = attachEdge(parent, edge, declared.role, child, claims)
  parent.instance.childAdded?.(attached.handle)
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
    instance.childRemoved?.(name)
    detachEdge(edge)
  }
  await closeIfUnused(environment, edge.child)
}
