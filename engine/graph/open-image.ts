/** Opening images that commands bring along, with the flags of the node that they are for. */
import { isProtocol } from '../block/driver.ts'
import type { Environment } from './environment.ts'
import { flatten, type FlatOptions } from './flat.ts'
import type { HeldNode, ImageFile } from './graph.ts'
import { releaseHold } from './lifecycle.ts'
import type { Node } from './node.ts'
import { openNode } from './open.ts'

/** @throws {BlockError} with the graph as before. */
export async function openImage(
  environment: Environment,
  node: Node,
  { filename, format, name, writable = false, noBacking, options = {} }: ImageFile,
): Promise<HeldNode> {
  const image = await openNode(environment, {
    filename,
    options: flatten({ driver: format, 'node-name': name, ...options }),
    inherited: flagOptions(node, writable),
    protocol: format === undefined && isProtocol(node.driver) && !node.wasReopened,
    noBacking: noBacking || (node.openedAlone && node.cowChild === undefined),
  })
  if (image.openedAlone) image.noteHeader()
  return { node: image, release: () => releaseHold(environment, image) }
}

function flagOptions({ flags }: Node, writable: boolean): FlatOptions {
  return new Map<string, unknown>([
    ['read-only', flags.readOnly && !writable],
    ['auto-read-only', flags.autoReadOnly],
    ['cache.direct', flags.direct],
    ['cache.no-flush', flags.noFlush],
    ['discard', flags.discard ? 'unmap' : 'ignore'],
  ])
}
