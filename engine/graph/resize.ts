/** `block_resize` of a node, whoever uses it. */
import { ALL_PERMISSIONS, RESIZE } from '../block/permission.ts'
import { BlockError } from '../util/errors.ts'
import { beginDrained } from './drain.ts'
import type { Environment } from './environment.ts'
import type { Node } from './node.ts'
import { RootUser } from './user.ts'

/** A command at work is a user like any other: its conflicts read the same. */
export async function resizeNode(
  environment: Environment,
  node: Node,
  size: number | bigint,
): Promise<void> {
  // The name is lost on the way in 7.2.
  if (node.opBlockers.reason('resize') !== undefined)
    throw new BlockError("Device '(null)' is in use")
  const claims = { uses: RESIZE, shares: ALL_PERMISSIONS }
  await using user = new RootUser(environment, node, claims)
  if (node.corrupted || !user.hasMedium)
    throw new BlockError('No medium inserted', { errno: 'ENOMEDIUM' })
  await using _drained = await beginDrained(node)
  await node.io.truncate(Number(size), { exact: false, whole: BigInt(size) })
}
