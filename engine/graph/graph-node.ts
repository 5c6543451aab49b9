/** A node, as commands and jobs see it. */
import type { BitmapKeeper, Driver, NodeFlags, WriteObserver } from '../block/driver.ts'

/** What `blockdev-add` takes: generic options, the driver's own, children nested or by name. */
export type NodeOptions = Readonly<Record<string, unknown>>

/** One node, as commands see it. */
export interface GraphNode {
  readonly name: string
  readonly driver: Driver
  readonly flags: NodeFlags
  /** Created by a client and not deleted since. */
  readonly monitorOwned: boolean
  /** The image's structures are wrong; how far it is out of use is the profile's choice. */
  readonly corrupted: boolean
  /** It is corrupt, and may not even be read. */
  readonly outOfUse: boolean
  /** The iothread where it is at home, by its path; absent: the main thread. */
  readonly home: string | undefined
  /** Inserted by the engine, hidden where QEMU hides such nodes. */
  readonly implicit: boolean
  /** The one child that a filter shows unchanged. */
  readonly filteredChild: GraphNode | undefined
  /** The backing child of a node that is no filter. */
  readonly cowChild: GraphNode | undefined
  /** The child that holds the data, or that a filter shows. */
  readonly primaryChild: GraphNode | undefined
  /** Somebody above may write to it. */
  readonly hasWriter: boolean
  /** Zeroing it may release storage, and its options allow that. */
  readonly unmapsByZeroing: boolean
  /** No request waits for the host, neither here nor below. */
  readonly waitsForNobody: boolean
  /** Nothing that is read waits for the host. */
  readonly readsAtOnce: boolean
  /** Told of every change of the data; add to it and delete from it. */
  readonly observers: Set<WriteObserver>
  /** Where the image can keep dirty bitmaps. */
  readonly bitmapKeeper: BitmapKeeper | undefined
  /** Shown by queries; engine/io keeps it, in 64 unsigned bits. 0 for none. */
  writeThreshold: bigint
  length(): number
  /** Begins a drained section: nothing new from root users, nothing in flight. */
  drained(scope?: DrainScope): Promise<DrainedSection>
}

/** Which requests a drained section waits for besides those of the node and its parents. */
export interface DrainScope {
  readonly subtree?: boolean
  /** A section that its holder has already: changes within that one are within this one too. */
  readonly along?: DrainedSection | undefined
}

/** Ends when disposed. */
export interface DrainedSection extends AsyncDisposable {
  end(): void
  /**
   * A node in the section has that child anew, be it the same one. In a section of a subtree the old
   * one leaves it with all below, and the new one enters; resolves when nothing is in flight there.
   */
  childChanged(parent: GraphNode, name: string): Promise<void>
}

/** A node that somebody opened for a while. */
export interface HeldNode {
  readonly node: GraphNode
  release(): Promise<void>
}
