/** Nodes at which chains begin. */
import { BlockError } from '../util/errors.ts'
import type { Node } from './node.ts'

/** @throws {BlockError} where a node or a job uses it, or its image or one below is out of use. */
export function checkRoot(node: Node): void {
  if (node.parents.some(({ parent }) => parent.kind !== 'user')) {
    throw new BlockError('Need a root block node')
  }
  if (!hasMedium(node)) throw new BlockError('Device has no medium')
}

/** Whether neither the node nor any below it is out of use. */
export function hasMedium(node: Node): boolean {
  return !node.corrupted && node.children.every(({ child }) => hasMedium(child))
}
