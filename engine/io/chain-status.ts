/**
 * Status of a chain: what a node does not have is asked of the node that shows through it, and so
 * on down to a base.
 */
import type { BlockStatus, Child, StatusQuery } from '../block/driver.ts'
import { endThroughFilters } from '../graph/chain.ts'
import type { Node } from '../graph/node.ts'
import { isPromise, type MaybePromise } from '../util/async.ts'

type Base = Parameters<Child['statusAbove']>[2]

export function statusAbove(
  node: Node,
  { offset, bytes }: { readonly offset: number; readonly bytes: number },
  base?: Base,
  query?: StatusQuery,
): MaybePromise<BlockStatus> {
  const found = node.io.status(offset, bytes, query)
  const goOn = (run: BlockStatus): MaybePromise<BlockStatus> => {
    if (run.allocated) return { ...run, depth: 1 }
    const next = nextBelow(node, base)
    if (next === undefined) return run
    const startsHere = base?.below === true && node.filteredChild === undefined
    if (startsHere && offset >= endThroughFilters(next)) return { ...run, bytes: 0 }
    // Below the upper disk's range but beyond the lower one's end, the lower one answers: zeroes.
    if (offset >= next.length()) return { ...run, allocated: true, zero: true, depth: 2 }
    const rest = startsHere ? { ...base, below: false } : base
    const below = statusAbove(next, { offset, bytes: run.bytes }, rest, query)
    // Where the lower disk ends the upper one goes on.
    const merge = (status: BlockStatus): BlockStatus => ({
      ...status,
      ...(status.depth === undefined ? {} : { depth: status.depth + 1 }),
      eof: run.eof === true && status.bytes === run.bytes,
    })
    return isPromise(below) ? below.then(merge) : merge(below)
  }
  return isPromise(found) ? found.then(goOn) : goOn(found)
}

function nextBelow(node: Node, base: Base): Node | undefined {
  if (node.name === base?.node && base.below !== true) return undefined
  const next = node.children.find(({ role }) => role.filtered === true || role.cow === true)?.child
  return next?.name === base?.node && base?.include !== true ? undefined : next
}
