/**
 * Write thresholds: one event when a change first reaches past a mark, so that a client may enlarge
 * the storage in time. The mark is gone then, until it is set again.
 */
import type { WriteObserver } from '../block/driver.ts'
import type { GraphNode } from '../graph/graph.ts'

type Emit = (event: string, data: Readonly<Record<string, unknown>>) => void

/** One per node, so that setting it again replaces the old one. */
const watchers = new WeakMap<GraphNode, WriteObserver>()

/**
 * Sets the mark of a node, in bytes of 64 unsigned bits; 0 removes it. `emit` sends `BLOCK_WRITE_THRESHOLD`, before the
 * change begins and whatever becomes of it.
 */
export function setWriteThreshold(node: GraphNode, threshold: bigint, emit: Emit): void {
  clear(node)
  node.writeThreshold = threshold
  if (threshold === 0n) return
  // Whatever is not exact here lies past all that can be written.
  const mark = Number(threshold)
  const watcher: WriteObserver = {
    writing(offset, bytes) {
      const exceeded = offset + bytes - mark
      if (exceeded <= 0) return
      clear(node)
      emit('BLOCK_WRITE_THRESHOLD', {
        'node-name': node.name,
        'amount-exceeded': exceeded,
        'write-threshold': mark,
      })
    },
  }
  watchers.set(node, watcher)
  node.observers.add(watcher)
}

function clear(node: GraphNode): void {
  const watcher = watchers.get(node)
  if (watcher !== undefined) node.observers.delete(watcher)
  watchers.delete(node)
  node.writeThreshold = 0n
}
