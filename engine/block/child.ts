/** The children of a node: as they are declared, and as the driver sees them once they are open. */
import type { PresenceSwitch } from '../profiles/index.ts'
import type { MaybePromise } from '../util/async.ts'
import type { InstanceInfo, Limits } from './info.ts'
import type { BlockIo, BlockStatus, StatusQuery, SnapshotIo } from './io.ts'

/** What the parent uses a child for. */
export interface ChildRole {
  /** The child holds guest data / the parent's own structures. */
  readonly data?: boolean
  readonly metadata?: boolean
  /** The parent shows the child unchanged. */
  readonly filtered?: boolean
  /** The child shows through where the parent has nothing: a backing child. */
  readonly cow?: boolean
  /** The one child that a filename of the parent names. */
  readonly primary?: boolean
  /** Only a part of the child is shown, which whoever shrinks the child would cut off. */
  readonly part?: boolean
}

/**
 * A child as a driver declares it. In options it is a node name or nested options (a
 * `BlockdevRef`), or a list of these, whose edges are then named `children.0` and so on.
 */
export interface ChildDeclaration {
  readonly doc: string
  readonly role: ChildRole
  /** The role where it depends on the options with which the node is opened. */
  readonly roleFor?: (options: Readonly<Record<string, unknown>>) => ChildRole
  readonly optional?: boolean
  readonly list?: boolean
  /** Where the switch is on, elements of the list may be `null`: no child has that place's name. */
  readonly holes?: PresenceSwitch
  /** `null` is taken for "no such child" (as `backing: null`). */
  readonly nullable?: boolean
  /** It is opened when the driver asks for it (`openChild`), after what the driver checks before. */
  readonly late?: boolean
  /**
   * An option outside the schema that names the file of this child, as `x-image`: file names of
   * the parent are taken apart into it, and `json:` names may have it.
   */
  readonly nameOption?: string
}

export type Children = Readonly<Record<string, ChildDeclaration>>

/** What a format or filter tells a blkdebug below it that it is about to do: `read_aio`, `l2_load` … */
export type DebugEvent = string

/** A child as its parent's driver sees it. It keeps its identity when the graph replaces the node below. */
export interface Child extends BlockIo {
  /** Name of the edge: `file`, `children.2`. */
  readonly name: string
  /** Name of the node below, for events and messages. */
  readonly nodeName: string
  /** What would open the node below again: a plain file name or `json:`. */
  filename(): string
  limits(): Limits
  info(): InstanceInfo
  /** Whether the node below makes a write stable by itself, without a flush after it. */
  supportsFua(): boolean
  /** Whether the node below may zero faster than it writes. */
  supportsFastZero(): boolean
  /** Whether zeroing the node below may release its storage. */
  supportsUnmapZero(): boolean
  /**
   * Tells the node below, if it listens, what the parent is about to do. A promise stands for a
   * breakpoint that holds the request back; who cannot wait for it does not stop there.
   */
  debugEvent(event: DebugEvent): MaybePromise<void>
  /** The snapshot that the node below offers, if any. */
  snapshot(): SnapshotIo | undefined
  /** Whether the node below is of a driver that carries out compressed writes. */
  takesCompressed(): boolean
  /** No request to the node below waits for the host. */
  waitsForNobody(): boolean
  /** Nothing that is read from the node below waits for the host. */
  readsAtOnce(): boolean
  /** The driver of the node below. */
  driverName(): string
  /** Whether the node below is that one, or shows it through further down. */
  shows(node: string): boolean
  /**
   * As `status`, but of everything below: what this node does not have is asked of the node that
   * shows through it, down to `base`, which is not asked unless `include` says so. With `below` the
   * base is only looked for below the first image, and all is asked where it is that one; from the
   * end of the image below that on there are 0 bytes of answer.
   */
  statusAbove(
    offset: number,
    bytes: number,
    base?: { readonly node: string; readonly include?: boolean; readonly below?: boolean },
    query?: StatusQuery,
  ): MaybePromise<BlockStatus>
}
