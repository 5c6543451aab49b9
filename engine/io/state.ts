/** What the steps of a node's requests share. */
import type { Node } from '../graph/node.ts'
import type { Tracker } from './tracker.ts'

export interface PathState {
  readonly node: Node
  readonly tracker: Tracker
  /** Counts the changes of the data, failed ones too. */
  generation: number
  /** The generation that the last successful flush covers. */
  flushed: number
  /** The flush that runs now; the next one waits for it. */
  flushing: Promise<void> | undefined
}
