/** Which node has the dirty bitmaps of a node. */
import type { Environment } from './environment.ts'
import type { Node } from './node.ts'

/** Where filters have none of their own: the first node below that is none, or shows only a part. */
export function bitmapNode({ profile }: Pick<Environment, 'profile'>, node: Node): Node {
  if (!profile['bitmap.forward'] || !node.driver.forwardsBitmaps(node.given.checked)) return node
  const below = node.filteredChild ?? node.primaryChild
  return below === undefined ? node : bitmapNode({ profile }, below)
}
