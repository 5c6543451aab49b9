/** What a driver gets: to open a node, to check its options, to claim, to name. */
import type { Account, Clock, Compression, Files, Sockets } from '../host/host.ts'
import type { BitmapView, ListedBitmap, NodeBitmaps } from './bitmaps.ts'
import type { Child, ChildRole } from './child.ts'
import type { FileQueue } from './file-queue.ts'
import type { NodeFlags } from './info.ts'
import type { Profile } from '../profiles/index.ts'
import type { Claims } from './permission.ts'

/**
 * How a line reaches the people who run the daemon. `asked`: on standard error, for whoever asked for
 * what is being done: after the place on the command line, or without more if a client did. `bare`:
 * there without more. `output`: on standard output.
 */
export type LogForm = 'asked' | 'bare' | 'output'

/** The outside, as far as a driver may reach it. */
export interface Services {
  /** What drivers do differently. */
  readonly profile: Profile
  readonly clock: Clock
  readonly files: Files
  /** When they are written to. */
  readonly fileQueue: FileQueue
  readonly sockets: Sockets
  readonly compression: Compression
  readonly account: Account | undefined
  /** Sends a QMP event. */
  emit(event: string, data: Readonly<Record<string, unknown>>): void
  /**
   * A user-created object, such as `object('throttle-group', 'tg0')`; its module knows its type.
   *
   * @throws {BlockError} where an object of another type has that id, for most types.
   */
  object(type: string, id: string): unknown
  /** One line for the people who run the daemon: by default on standard error, after its name. */
  log(line: string, form?: LogForm): void
  /** Ends the whole daemon with this status. */
  exit(status: number): void
  /** A dirty bitmap of any node. @throws {BlockError} where there is none. */
  dirtyBitmap(node: string, name: string): BitmapView
  /**
   * Lists a driver's own bitmap, which has no name, with the dirty bitmaps of a node, which may
   * still be opening. It follows the node's length. The returned function takes it off again.
   */
  listBitmap(node: string, bitmap: ListedBitmap): () => void
  /** The dirty bitmaps of a node, which may still be opening; nothing where nobody keeps any. */
  bitmaps(node: string): NodeBitmaps | undefined
  /** What is to be known of any node, nothing where there is none of this name. */
  node(name: string): { readonly isFilter: boolean; readonly outOfUse: boolean } | undefined
}

/** What a driver gets to open a node. */
export interface OpenContext<O = Readonly<Record<string, unknown>>> {
  /** Checked, with defaults filled in; without children and generic options. */
  readonly options: O
  readonly node: NodeHandle
  /**
   * The attached children by edge name, in the order of their lists. Live: a backing child comes
   * after `open`, when the header has told which, and reopening replaces children.
   */
  readonly children: ReadonlyMap<string, Child>
  /**
   * Opens and attaches a child that is declared `late`.
   *
   * @returns nothing where the options name none.
   * @throws {BlockError} if it cannot be opened or not be used that way.
   */
  openChild(name: string): Promise<Child | undefined>
  readonly services: Services
  /** Only where the driver was chosen by looking: the driver that it would be for other contents. */
  readonly guess?: ((head: Uint8Array) => string) | undefined
  /** The `open` of a node above waits for it: it is below a child that is declared `late`. */
  readonly withinOpening?: boolean
  /** It is opened to be checked: damage that keeps others out does not. */
  readonly forCheck?: boolean
}

/** The node that is opening, as its own driver sees it. */
export interface NodeHandle {
  readonly name: string
  /** Live: reopening changes them. */
  readonly flags: NodeFlags
  /** The name of a client's device on this node, empty without one; for events. */
  readonly deviceName: string
  /** Opens the node read-only although it was not asked to; refused unless auto-read-only is on. */
  fallBackToReadOnly(reason: string): void
  /** In bytes, as others see it: what was written behind the end counts. 0 while it opens. */
  length(): number
  /** The length changed without a truncate of ours. */
  lengthChanged(): void
  /** The driver's `limits` has other answers now, without a reopening. */
  limitsChanged(): void
  /**
   * Forbids to change the links from this node down the chain to another one, until the returned
   * function is called. Nothing is returned where the other one is not in the chain.
   *
   * @throws {BlockError} where somebody else froze one of them.
   */
  freezeChain(bottom: string): (() => void) | undefined
  /**
   * The image's own structures are wrong. Sends the event, and if `fatal` puts the node out of use
   * as the profile's `corrupt.*` switches say; the driver marks the image itself.
   */
  corrupted(about: {
    readonly message: string
    readonly offset?: number
    readonly bytes?: number
    readonly fatal: boolean
  }): void
}

/** What `check` is told. */
export interface CheckQuery<O = Readonly<Record<string, unknown>>> {
  readonly options: O
  /** How many children each list names. */
  readonly counts: Readonly<Record<string, number>>
  readonly node: Pick<NodeHandle, 'flags' | 'fallBackToReadOnly'>
  readonly services: Services
}

/** What `claims` is told. */
export interface ClaimsQuery<O = Readonly<Record<string, unknown>>> {
  readonly options: O
  readonly childName: string
  readonly role: ChildRole
  /** What all parents of the node together use, and what all of them share. */
  readonly above: Claims
  /** Whether there is any parent, be it one that wants nothing. */
  readonly hasParents: boolean
  readonly readOnly: boolean
}

/** What a `json:` file name of a node needs to know of its driver. */
export interface NamingQuery<O = Readonly<Record<string, unknown>>> {
  /** Exactly what the user gave, defaults absent. */
  readonly given: Readonly<Record<string, unknown>>
  readonly options: O
  /** The plain file names of the children, by edge name; absent where a child has none. */
  readonly children: ReadonlyMap<string, string | undefined>
  /** What opening found out that options do not tell. */
  readonly found: Readonly<Record<string, string>>
}
