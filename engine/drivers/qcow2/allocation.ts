/** Clusters that a write has taken and not mapped yet. */
import type { Image } from './image.ts'

/** Bytes of the first or last cluster that the write does not bring itself. */
export interface CopyRegion {
  /** From the allocation's guest offset. */
  readonly offset: number
  readonly bytes: number
}

export interface Allocation {
  /** Start of the first cluster on the disk. */
  readonly guestOffset: number
  /** Start of the first cluster in the file. */
  readonly hostOffset: number
  readonly clusters: number
  /** The clusters were the guest's before: only their zero flag goes. */
  readonly keepsOld: boolean
  readonly head: CopyRegion
  readonly tail: CopyRegion
  /** Head and tail need no copying: the new clusters were zeroed. */
  skipCopy: boolean
  /** Head, data and tail are written together. */
  mergesData: boolean
  /** Only a map is written; the data stays as it is. */
  readonly preallocates?: boolean
  readonly waiters: (() => void)[]
}

/** Ends the announcement; whoever waits for the clusters looks again. */
export function forgetAllocation(image: Image, allocation: Allocation): void {
  image.allocations.delete(allocation)
  for (const wake of allocation.waiters) wake()
}
