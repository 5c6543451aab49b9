/** Opens nodes for clients, tools and jobs, and says who keeps them. */
import { BlockError } from '../util/errors.ts'
import type { Environment } from './environment.ts'
import { flatten } from './flat.ts'
import type { FilenameAbout, HeldNode, NodeOptions } from './graph.ts'
import { releaseHold } from './lifecycle.ts'
import type { Node } from './node.ts'
import { openNode } from './open.ts'

/** `blockdev-add`. @throws {BlockError} with the graph as before. */
export async function addNode(environment: Environment, options: NodeOptions): Promise<Node> {
  if (options['node-name'] === undefined) {
    throw new BlockError("'node-name' must be specified for the root node")
  }
  return adopt(await openNode(environment, { options: flatten(options), protocol: false }))
}

/** Opens a node that nobody owns but who holds it. @throws {BlockError} with the graph as before. */
export async function openHeld(environment: Environment, options: NodeOptions): Promise<HeldNode> {
  const node = await openNode(environment, { options: flatten(options), protocol: false })
  return { node, release: () => releaseHold(environment, node) }
}

/** Opens an image as tools do. @throws {BlockError} with the graph as before. */
export async function addFilename(
  environment: Environment,
  filename: string | undefined,
  { format, options = {}, noBacking = false, forCheck = false }: FilenameAbout = {},
): Promise<Node> {
  const flat = flatten(options)
  if (format !== undefined) flat.set('driver', format)
  const name = filename === undefined ? {} : { filename }
  const query = { ...name, options: flat, protocol: false, noBacking, forCheck }
  return adopt(await openNode(environment, query))
}

function adopt(node: Node): Node {
  node.monitorOwned = true
  node.holds--
  return node
}
