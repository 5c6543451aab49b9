/** Flushes: the driver's own way, else all children. */
import type { Node } from '../graph/node.ts'
import { isPromise, type MaybePromise } from '../util/async.ts'

export function flushNode(node: Node): MaybePromise<void> {
  const { instance, flags, children } = node
  if (instance.flush !== undefined) {
    // Without this, a protocol's data would reach the disk although it need not.
    if (flags.noFlush && node.driver.kind === 'protocol') return
    return instance.flush()
  }
  const running = children.map((edge) => edge.handle.flush()).filter(isPromise)
  if (running.length > 0) return Promise.all(running).then(() => undefined)
}
