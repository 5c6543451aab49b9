/** Which nodes another one, of the same visible data as a given node, may take the place of. */
import type { Node } from './node.ts'

/**
 * Whether a node may be replaced by one that shows what `shown` does, without anybody's data
 * changing all of a sudden.
 */
export function canReplace(shown: Node, node: Node): boolean {
  if (shown === node) return true
  const { driver, children } = shown
  if (driver.agreement === 'vote') {
    // What any of them has may be wrong anyway; who else uses it must not be surprised.
    return node.parents.length === 1 && node.parents[0]?.parent === shown
  }
  if (driver.kind !== 'filter') return false
  const same = children.filter(
    ({ role }) => role.filtered === true || (driver.agreement === 'compare' && role.data === true),
  )
  return same.some(({ child }) => canReplace(child, node))
}
