/** The code of one open node. */
import type { MaybePromise } from '../util/async.ts'
import type { BitmapKeeper } from './bitmaps.ts'
import type { DebugEvent } from './child.ts'
import type { Copier } from './copier.ts'
import type {
  BackingHint,
  CheckAbout,
  CheckReport,
  InstanceInfo,
  Limits,
  NodeFlags,
} from './info.ts'
import type { BlockStatus, RequestFlags, SnapshotIo, StatusQuery, TruncateOptions } from './io.ts'
import type { Claims } from './permission.ts'

/**
 * One open node's code. Only the first three are needed; the request path supplies the rest:
 * without `zero` it writes zeroes, without `discard` it does nothing, without `flush` it flushes
 * the children, without `status` all is data, without `truncate` it refuses.
 */
export interface Instance {
  length(): number
  /** The length is asked for each time instead of being remembered: it is a child's. */
  readonly liveLength?: boolean
  read(offset: number, into: Uint8Array, flags: RequestFlags): MaybePromise<void>
  write(offset: number, data: Uint8Array, flags: RequestFlags): MaybePromise<void>
  /** What is read is there when the request has been made. Without it, the driver and what is below say. */
  readsAtOnce?(): boolean
  /** Throw `ENOTSUP` to have zeroes written instead. */
  zero?(offset: number, bytes: number, flags: RequestFlags): MaybePromise<void>
  /** Throw `ENOTSUP` where the storage cannot; that is no failure. */
  discard?(offset: number, bytes: number): MaybePromise<void>
  /** All of flushing, the children's included. Without it the next two do, and then the children. */
  flush?(): MaybePromise<void>
  /** Hands on what the driver holds back itself. */
  flushToOs?(): MaybePromise<void>
  /** Makes stable; only called where something was written since the last time. */
  flushToDisk?(): MaybePromise<void>
  status?(offset: number, bytes: number, query?: StatusQuery): MaybePromise<BlockStatus>
  truncate?(bytes: number, options: TruncateOptions): MaybePromise<void>
  limits?(): Partial<Limits>
  info?(): InstanceInfo
  /** What a file name of the node says beside its options, such as a name that was looked up. */
  readonly found?: Readonly<Record<string, string>>
  /** Statistics of the driver's own, in their wire form. */
  stats?(): Readonly<Record<string, unknown>>
  /** Flags that `write` and `zero` carry out themselves; the path emulates FUA with a flush. */
  readonly supports?: {
    readonly fua?: boolean
    readonly unchanged?: boolean
    /** Zeroing with `mayUnmap` releases storage. */
    readonly unmapZero?: boolean
    /** False: zeroing is no faster than writing, so that `noFallback` is refused unasked. */
    readonly fastZero?: boolean
  }
  /** A drained section begins: let go of every held back request, start nothing of your own. */
  drainedBegin?(): void
  drainedEnd?(): void
  /** The node's cumulative permissions are about to change. Throw to refuse; change nothing for good. */
  checkClaims?(claims: Claims): void
  /** The checked change happened. */
  setClaims?(claims: Claims): void
  /** The checked change did not happen. */
  abortClaims?(): void
  /** Throws where children cannot be added now; otherwise names the edge of the next one. */
  childToAdd?(): string
  /** Throws where this child cannot go. */
  checkChildRemoval?(name: string): void
  /** The children are what a command would have. @throws {BlockError} to refuse. */
  checkChildren?(): void
  /** A child of a list came, went, or has another node: its edge is there, or gone, by now. */
  childrenChanged?(change: { readonly added?: string; readonly removed?: string }): void
  /** What a parent is about to do; only a driver that injects faults cares. */
  debugEvent?(event: DebugEvent): MaybePromise<void>
  /** Breakpoints, where the driver has them. */
  readonly breakpoints?: Breakpoints
  /** The frozen view that this node offers to a snapshot-access node above. */
  readonly snapshot?: SnapshotIo
  /** What copies before it writes, where the driver does that; a job may have it copy all. */
  readonly copier?: Copier
  /** Where the image can keep dirty bitmaps. */
  readonly bitmapKeeper?: BitmapKeeper
  /** The backing image that the node's own header names. */
  backing?(): BackingHint | undefined
  /** Writes another backing image into the header, or none. */
  changeBacking?(hint: BackingHint | undefined): MaybePromise<void>
  /**
   * Prepares the change to restated options and flags; the graph then commits or aborts it with
   * all others of the same command. Absent: the node cannot be reopened.
   *
   * @throws {BlockError} to refuse, with nothing changed.
   */
  reopen?(next: ReopenQuery): MaybePromise<Reopening>
  /**
   * Looks for damage in the image's own structures and repairs what it is told to.
   *
   * @throws {BlockError} where it cannot go on.
   */
  check?(about: CheckAbout): MaybePromise<CheckReport>
  /** The node is about to be taken out of its chain: it may not hold the chain any more. */
  leaving?(): void
  close?(): MaybePromise<void>
}

/** Stops requests at events and lets them go again. */
export interface Breakpoints {
  /**
   * The next request that comes to the event stops there, under this tag. A request stops once for
   * each breakpoint.
   *
   * @throws {BlockError} `ENOENT` where there is no such event.
   */
  add(event: DebugEvent, tag: string): void
  /** Lets the request go that stopped last under the tag; false if none did. */
  resume(tag: string): boolean
  /** Forgets the tag's breakpoints and lets its requests go; false if none waited for requests. */
  remove(tag: string): boolean
  isSuspended(tag: string): boolean
}

/** What a node is to become. */
export interface ReopenQuery<O = Readonly<Record<string, unknown>>> {
  /** The driver's own options as restated, with defaults filled in. */
  readonly options: O
  readonly flags: NodeFlags
}

/** How a prepared reopening ends. Neither may fail. */
export interface Reopening {
  commit?(): void
  abort?(): void
  /** What remains to be done once all nodes are what they are to be. It may not fail either. */
  after?(): MaybePromise<void>
}
