/** When nodes end: nothing refers to them any more, or a client deletes them. */
import { BlockError } from '../util/errors.ts'
import { detachEdge } from './edge.ts'
import type { Environment } from './environment.ts'
import type { Node } from './node.ts'
import { checkOperation } from './op-blockers.ts'

/** Gives back a hold on a node, which ends if nothing else refers to it. */
export async function releaseHold(environment: Environment, node: Node): Promise<void> {
  node.holds--
  await closeIfUnused(environment, node)
}

/** Closes the node, and what then is unused below, unless something still refers to it. */
export async function closeIfUnused(environment: Environment, node: Node): Promise<void> {
  if (node.monitorOwned || node.holds > 0 || node.parents.length > 0) return
  // Kept until the end, so that nothing closes it a second time meanwhile.
  node.holds++
  await dispose(environment, node)
}

/**
 * Takes a node out of the graph, whatever state it is in. It has no parents. What lies below is
 * flushed even for a node that was refused after its driver had opened it.
 */
export async function dispose(environment: Environment, node: Node): Promise<void> {
  if (node.isOpen) {
    if (!isTakenOut(node)) await flushIgnoringErrors(node)
    await node.instance.close?.()
  }
  environment.unreadable.delete(node)
  if (environment.nodes.get(node.name) === node) environment.nodes.delete(node.name)
  for (const edge of [...node.children]) {
    detachEdge(edge)
    await closeIfUnused(environment, edge.child)
  }
}

/** `blockdev-del`. @throws {BlockError} with the node still there. */
export async function removeNode(environment: Environment, name: string): Promise<void> {
  const node = environment.nodes.get(name)
  if (node === undefined) {
    throw new BlockError(`Failed to find node with node-name='${name}'`, { errno: 'ENODEV' })
  }
  if (node.parents.some(({ parent }) => parent.kind === 'user')) {
    throw new BlockError(`Node ${name} is in use`)
  }
  checkOperation(node, 'drive-del')
  if (!node.monitorOwned) throw new BlockError(`Node ${name} is not owned by the monitor`)
  if (node.parents.length > 0 || node.holds > 0) {
    throw new BlockError(`Block device ${name} is in use`)
  }
  node.monitorOwned = false
  await closeIfUnused(environment, node)
}

/** A filter that was taken out shows nothing any more, whatever else it may still have below it. */
function isTakenOut({ driver, children, filteredChild }: Node): boolean {
  if (driver.kind !== 'filter') return false
  const shows = Object.values(driver.children).some(({ role }) => role.filtered === true)
  return children.length === 0 || (shows && filteredChild === undefined)
}

async function flushIgnoringErrors(node: Node): Promise<void> {
  if (node.flags.readOnly) return
  try {
    await node.io.flush()
  } catch (error) {
    // Whoever needed the data on disk has flushed before and seen the failure.
    if (!(error instanceof BlockError)) throw error
  }
}
