/**
 * The driver API: what a driver declares, what it gets when a node opens, and what it gives back.
 *
 * A driver sees its children as `BlockIo` values and cannot name the graph. What else it needs of
 * the world comes through `Services`. Offsets and lengths are bytes. Methods that move data may
 * return at once or return a promise; failures are `BlockError`s of which callers read the errno.
 */
import type { Clock, Compression, Files, Sockets } from '../host/host.ts'
import type { MaybePromise } from '../util/async.ts'
import type { BlockError } from '../util/errors.ts'
import type { Feature, Members, Values } from './option.ts'
import type { Claims } from './permission.ts'

/** Storage reached / a structured child / a child shown unchanged. */
export type DriverKind = 'protocol' | 'format' | 'filter'

/** How a request wants to be carried out. */
export interface RequestFlags {
  /** The data must be on stable storage when the request completes. */
  readonly fua?: boolean
  /** Zeroing may release the storage. */
  readonly mayUnmap?: boolean
  /** Fail with ENOTSUP rather than zero by writing zeroes. */
  readonly noFallback?: boolean
  /** The visible data stays the same: needs only the permission for that. */
  readonly unchanged?: boolean
  /** Write compressed clusters. */
  readonly compressed?: boolean
  /** Reading copies what comes from further down the chain into this node. */
  readonly copyOnRead?: boolean
  /** With `copyOnRead`: only the copying matters, nobody looks at the data. */
  readonly prefetch?: boolean
  /** No other request may overlap this one while it runs. */
  readonly serialising?: boolean
}

/** What is known of the run of bytes that starts at a given offset. */
export interface BlockStatus {
  /** Length of the run: at least 1, at most what was asked for. */
  readonly bytes: number
  /** This node, not its backing, answers for the run. */
  readonly allocated: boolean
  /** The run has stored bytes. */
  readonly data: boolean
  /** The run reads as zeroes. */
  readonly zero: boolean
  /** Where the run starts in the storage below, if it lies there unchanged. */
  readonly offset?: number
  /** The run ends where the node ends. */
  readonly eof?: boolean
  /** Of a chain: how many nodes down the answer was found, 1 for the one that was asked. */
  readonly depth?: number
}

export interface TruncateOptions {
  /** False: a larger length than asked for will do as well. Default true. */
  readonly exact?: boolean
  /** New bytes must read as zeroes. */
  readonly zero?: boolean
  readonly preallocation?: 'off' | 'falloc' | 'full' | 'metadata'
}

/** The requests that a node takes. A driver's children and root users look like this. */
export interface BlockIo {
  /** Virtual disk size in bytes. */
  length(): number
  /** Fills `into`; bytes past the end read as zeroes. */
  read(offset: number, into: Uint8Array, flags?: RequestFlags): MaybePromise<void>
  write(offset: number, data: Uint8Array, flags?: RequestFlags): MaybePromise<void>
  zero(offset: number, bytes: number, flags?: RequestFlags): MaybePromise<void>
  discard(offset: number, bytes: number): MaybePromise<void>
  flush(): MaybePromise<void>
  status(offset: number, bytes: number): MaybePromise<BlockStatus>
  truncate(bytes: number, options?: TruncateOptions): MaybePromise<void>
}

/** What a format or filter tells a blkdebug below it that it is about to do: `read_aio`, `l2_load` … */
export type DebugEvent = string

/** The unchanging view that a copy-before-write node gives of what it protects. */
export interface SnapshotIo {
  read(offset: number, into: Uint8Array): MaybePromise<void>
  status(offset: number, bytes: number): MaybePromise<BlockStatus>
  /** The range will not be asked for again. */
  discard(offset: number, bytes: number): MaybePromise<void>
}

/** Clusters that a node copies before they change, and that a job may ask it to copy too. */
export interface Copier {
  /** Bytes of a cluster. Only whole ones are copied, or what is left of the last one. */
  readonly clusterBytes: number
  /** What is still to be copied. Bits may be marked and cleared at any time. */
  readonly pending: MarkedBitmap
  /** Bytes that are to be copied or are being copied, in whole clusters. */
  readonly remaining: number
  /** Copy only what the source has above a base, `undefined` for all of its chain. */
  onlyAllocatedAbove: { readonly base: string | undefined } | undefined
  /** Write compressed clusters. */
  compress: boolean
  /** Called when `remaining` may have changed, with the bytes that were copied. */
  progressed: (bytes: number) => void
  /** @param bytesPerSecond - Of requests that keep to it; 0 for no limit. */
  setSpeed(bytesPerSecond: number): void
  request(about?: CopyRequestAbout): CopyRequest
  /**
   * Copies what is pending in the range, which begins and ends with a cluster or the disk, and waits
   * for what others copy there. Whatever fails or is not begun stays pending.
   *
   * @throws {BlockError} of the source or the target: the first one, when nothing runs any more.
   */
  copy(offset: number, bytes: number, request?: CopyRequest): MaybePromise<void>
  /** The range need not be copied any more. */
  forget(offset: number, bytes: number): void
  /**
   * Forgets the clusters from `offset` of which the source itself has nothing.
   *
   * @returns How many bytes from `offset` are alike, in whole clusters.
   * @throws {BlockError} where the source cannot tell.
   */
  forgetUnallocated(offset: number): MaybePromise<number>
}

export interface CopyRequestAbout {
  /** How many stretches may be copied at the same time. */
  readonly workers?: number
  /** Longest stretch in bytes, 0 for no limit. */
  readonly maxChunk?: number
  /** The copier's speed holds for it. */
  readonly keepsSpeed?: boolean
}

/** A request to copy that can be given up, and tells what failed. */
export interface CopyRequest {
  readonly cancelled: boolean
  readonly failure: { readonly side: 'read' | 'write'; readonly error: BlockError } | undefined
  /** What has begun is ended, nothing more begins. */
  cancel(): void
  /** The speed has changed: waits no longer for its sake, but looks again. */
  hurry(): void
}

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
  /** The driver of the node below. */
  driverName(): string
  /** Whether the node below is that one, or shows it through further down. */
  shows(node: string): boolean
  /**
   * As `status`, but of everything below: what this node does not have is asked of the node that
   * shows through it, down to `base`, which is not asked unless `includeBase` says so.
   */
  statusAbove(
    offset: number,
    bytes: number,
    base?: { readonly node: string; readonly include?: boolean },
  ): MaybePromise<BlockStatus>
}

/** Sizes that requests must or should respect. Every member is bytes; 0 means no limit. */
export interface Limits {
  /** Offsets and lengths of reads and writes must be multiples of this power of two. */
  readonly requestAlignment: number
  readonly maxTransfer: number
  readonly optimalTransfer: number
  readonly zeroAlignment: number
  readonly maxZero: number
  readonly discardAlignment: number
  readonly maxDiscard: number
}

/** What a node can tell about its image, for queries and tools. */
export interface InstanceInfo {
  /** Bytes of storage taken; absent where unknown. */
  readonly allocatedBytes?: number
  readonly dirty?: boolean
  readonly clusterBytes?: number
  readonly compressed?: boolean
  readonly encrypted?: boolean
  /** New or truncated space reads as zeroes without being written. */
  readonly zeroInit?: boolean
  /** Format specific information, already in its wire form. */
  readonly specific?: Readonly<Record<string, unknown>>
  /** Internal snapshots; absent where there are none. */
  readonly snapshots?: readonly SnapshotInfo[]
}

/** An internal snapshot, in its wire form. */
export interface SnapshotInfo {
  readonly id: string
  readonly name: string
  /** 64 bits, signed, as all numbers on the wire. */
  readonly 'vm-state-size': bigint
  readonly 'date-sec': number
  readonly 'date-nsec': number
  readonly 'vm-clock-sec': bigint
  readonly 'vm-clock-nsec': bigint
  readonly icount?: bigint
}

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
  status?(offset: number, bytes: number): MaybePromise<BlockStatus>
  truncate?(bytes: number, options: TruncateOptions): MaybePromise<void>
  limits?(): Partial<Limits>
  info?(): InstanceInfo
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
  /** Throws where children cannot be added now; otherwise names the new edge. */
  childToAdd?(): string
  childAdded?(child: Child): void
  /** Throws where this child cannot go. */
  checkChildRemoval?(name: string): void
  childRemoved?(name: string): void
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
  /** Looks for damage in the image's own structures, and repairs nothing. */
  check?(): MaybePromise<CheckReport>
  /** The node is about to be taken out of its chain: it may not hold the chain any more. */
  leaving?(): void
  close?(): MaybePromise<void>
}

/** What a check of an image found. */
export interface CheckReport {
  /** One line for each finding, in the order in which they were made. */
  readonly lines: readonly string[]
  readonly corruptions: number
  readonly leaks: number
  /** What could not be checked. */
  readonly checkErrors: number
  /** Where the last cluster in use ends in the file. */
  readonly imageEnd: number
  /** Clusters of the disk; of them those with storage, out of sequence, compressed. */
  readonly total: number
  readonly allocated: number
  readonly fragmented: number
  readonly compressed: number
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

/** A backing image as an image header names it. */
export interface BackingHint {
  /** As stored: a path relative to the image, an absolute one, a URL-like name or `json:`. */
  readonly filename: string
  /** The driver to open it with; absent: found by probing. */
  readonly format?: string
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

/** The generic options of an open node, resolved: what the user gave, inherited or the default. */
export interface NodeFlags {
  readonly readOnly: boolean
  readonly autoReadOnly: boolean
  readonly direct: boolean
  readonly noFlush: boolean
  readonly discard: boolean
  readonly forceShare: boolean
  readonly detectZeroes: 'off' | 'on' | 'unmap'
}

/** The outside, as far as a driver may reach it. */
export interface Services {
  readonly clock: Clock
  readonly files: Files
  readonly sockets: Sockets
  readonly compression: Compression
  /** Sends a QMP event. */
  emit(event: string, data: Readonly<Record<string, unknown>>): void
  /** A user-created object, such as `object('throttle-group', 'tg0')`; its module knows its type. */
  object(type: string, id: string): unknown
  /**
   * One line on the daemon's standard error, after the program's name unless it is `bare`; or on its
   * standard output.
   */
  log(line: string, form?: 'bare' | 'output'): void
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
  /** What is to be known of any open node, nothing where there is none of this name. */
  node(name: string): { readonly isFilter: boolean } | undefined
}

/** A bitmap that somebody else keeps, as queries list it. */
export interface ListedBitmap {
  readonly granularity: number
  /** Dirty bytes, in whole bits. */
  readonly count: number
  /** All changes of the node are marked; default false. */
  readonly recording?: boolean
  resize(bytes: number): void
}

/** A dirty bitmap as a driver may read it. */
export interface BitmapView {
  readonly granularity: number
  /** Bytes of the disk it is over. */
  readonly size: number
  /** The first dirty run at or after `offset`, cut off at `offset + bytes`. */
  nextDirty(
    offset: number,
    bytes: number,
  ): { readonly offset: number; readonly bytes: number } | undefined
}

/** A bitmap that may be changed. */
export interface MarkedBitmap extends BitmapView {
  /** Dirty bytes, in whole bits. */
  readonly count: number
  /** Marks every bit that the range touches. */
  mark(offset: number, bytes: number): void
  /** Clears every bit that the range touches. */
  unmark(offset: number, bytes: number): void
  clear(): void
  /** Marks what the other one, over a disk of the same size, has marked. */
  merge(other: BitmapView): void
}

/** The named dirty bitmaps of a node, as the driver that keeps some of them in its image sees them. */
export interface NodeBitmaps {
  /** Newest first. */
  list(): readonly KeptBitmap[]
  /** A new one, as yet clean and recording, that came out of the image. */
  load(name: string, about: { readonly size: number; readonly granularity: number }): KeptBitmap
}

export interface KeptBitmap extends BitmapView {
  readonly name: string
  /** It is to be in the image. */
  readonly persistent: boolean
  /** Changes of the node's data are marked. */
  recording: boolean
  /** Its bits in the image are not to be trusted, so that it can only be removed. */
  inconsistent: boolean
  /** Neither it nor the node's data may change. */
  readOnly: boolean
  /** Bits of a range that starts at a multiple of 64 bits, lowest first, in whole 64-bit words. */
  serialise(offset: number, bytes: number): Uint8Array
  /** Marks what is marked in such words. */
  deserialise(offset: number, bits: Uint8Array): void
  mark(offset: number, bytes: number): void
  /** The node has it no longer. */
  release(): void
}

/** An image that can keep dirty bitmaps. */
export interface BitmapKeeper {
  /** @throws {BlockError} where the image cannot keep one more, of this kind. */
  check(name: string, granularity: number): void
  /** Takes one out of the image, where it may not be. */
  remove(name: string): MaybePromise<void>
}

/** Somebody who must know what of a node's data changed: a dirty bitmap, a write threshold. */
export interface WriteObserver {
  /** Called before a change begins, where asked for. */
  writing?(offset: number, bytes: number): void
  /** Called after a write, zeroing or discard, also one that failed and may have changed some. */
  wrote?(offset: number, bytes: number): void
  /** The node's length changed. */
  resized?(bytes: number): void
  /** While true, nothing may change the node's data. */
  readonly readOnly?: boolean
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
  /** The length changed without a truncate of ours. */
  lengthChanged(): void
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
  /** What queries show as the children's names: plain ones or `json:`. */
  readonly shown: ReadonlyMap<string, string>
}

export interface Driver {
  readonly name: string
  readonly kind: DriverKind
  readonly doc: string
  /** Own options only; generic ones and children are not listed here. */
  readonly options: Members
  readonly children: Children
  /** What introspection says of the driver's options as a whole. */
  readonly features: readonly Feature[]
  /** Options and children as they are checked and listed; children first where this is absent. */
  readonly memberOrder: readonly string[] | undefined
  /** Options that change the visible data or its place: a `json:` file name lists them. */
  readonly strongOptions: readonly string[]
  /** Whether children are opened before the node has its name; generated names show it. */
  readonly childrenFirst: boolean
  readonly addsChildren: boolean
  /** How a node takes it that its children, which should be the same, may differ. */
  readonly agreement: 'vote' | 'compare' | undefined
  /** Refuses options before any listed child is opened. */
  readonly check: ((query: CheckQuery) => MaybePromise<void>) | undefined
  readonly claims: ((query: ClaimsQuery) => Claims) | undefined
  /** A file name that opens the same node, or nothing where only options can. */
  readonly filename: ((query: NamingQuery) => string | undefined) | undefined
  /** The option `filename` must not be empty. */
  readonly needsFilename: boolean
  /** Own options whose values may change when the node is reopened. */
  readonly reopenable: readonly string[]
  /** Those of them that go back to their defaults when they are left out; others must be restated. */
  readonly resettable: readonly string[]
  /** Own options that cannot be restated when the node is reopened: no value is what it was. */
  readonly unrestatable: readonly string[]
  /** How sure the driver is, from 0 to 100, that the image beginning with `head` is of its format. */
  readonly probe: ((head: Uint8Array) => number) | undefined
  /** What a file name that begins with `name:` means. */
  readonly prefixes: Readonly<Record<string, (filename: string) => NodeDescription>>
  readonly create: Creation | undefined
  /** New images of the format are files of their size and nothing more. */
  readonly imageIsFile: boolean
  /** Its nodes carry out compressed writes, or hand them to a child that may. */
  readonly takesCompressed: boolean
  open(context: OpenContext): MaybePromise<Instance>
}

/** Whether QEMU counts the driver among the protocols: it reaches storage or names begin with it. */
export function isProtocol({ kind, prefixes }: Driver): boolean {
  return kind === 'protocol' || Object.keys(prefixes).length > 0
}

/** Options as `blockdev-add` takes them, without a node name. */
export type NodeDescription = Readonly<Record<string, unknown>>

/** How new images of a format or protocol are made. */
export interface Creation<O = Readonly<Record<string, unknown>>> {
  /** Own options as `blockdev-create` lists them, without `file`, which `needsFile` stands for. */
  readonly options: Members
  readonly needsFile: boolean
  /** @param file - The opened node to write to; absent where the driver makes the file itself. */
  run(context: CreateContext<O>): MaybePromise<void>
}

export interface CreateContext<O = Readonly<Record<string, unknown>>> {
  readonly options: O
  readonly file: BlockIo | undefined
  readonly services: Services
}

interface DriverDefinition<O extends Members> {
  readonly name: string
  readonly kind: DriverKind
  readonly doc: string
  readonly options: O
  readonly children: Children
  readonly features?: readonly Feature[]
  /** Options and children as QEMU checks and lists them, where that is not children first. */
  readonly memberOrder?: readonly string[]
  /** Options that change the visible data or its place: a `json:` file name lists them. */
  readonly strongOptions?: readonly (keyof O & string)[]
  readonly childrenFirst?: boolean
  readonly addsChildren?: boolean
  readonly agreement?: 'vote' | 'compare'
  readonly check?: (query: CheckQuery<Values<O>>) => MaybePromise<void>
  readonly claims?: (query: ClaimsQuery<Values<O>>) => Claims
  readonly filename?: (query: NamingQuery<Values<O>>) => string | undefined
  readonly needsFilename?: boolean
  readonly reopenable?: readonly (keyof O & string)[]
  readonly resettable?: readonly (keyof O & string)[]
  readonly unrestatable?: readonly (keyof O & string)[]
  readonly probe?: (head: Uint8Array) => number
  readonly prefixes?: Readonly<Record<string, (filename: string) => NodeDescription>>
  readonly create?: Creation
  readonly imageIsFile?: boolean
  readonly takesCompressed?: boolean
  open(context: OpenContext<Values<O>>): MaybePromise<Instance>
}

/** Makes a driver of its declaration. */
export function defineDriver<const O extends Members>(definition: DriverDefinition<O>): Driver {
  const erased = {
    features: [],
    memberOrder: undefined,
    strongOptions: [],
    childrenFirst: true,
    addsChildren: false,
    agreement: undefined,
    check: undefined,
    claims: undefined,
    filename: undefined,
    needsFilename: false,
    reopenable: [],
    resettable: definition.reopenable ?? [],
    unrestatable: [],
    probe: undefined,
    prefixes: {},
    create: undefined,
    imageIsFile: false,
    takesCompressed: false,
    ...definition,
  }
  // The graph hands every driver options that were checked against this very declaration.
  return erased as unknown as Driver
}

interface FilterDefinition<O extends Members> {
  readonly name: string
  readonly doc: string
  readonly options: O
  readonly features?: readonly Feature[]
  /** Name of the child that shows through; `file` unless said otherwise. */
  readonly filtered?: string
  /** Children besides the one that shows through. */
  readonly children?: Children
  readonly memberOrder?: readonly string[]
  readonly strongOptions?: readonly (keyof O & string)[]
  readonly reopenable?: readonly (keyof O & string)[]
  readonly resettable?: readonly (keyof O & string)[]
  readonly prefixes?: Readonly<Record<string, (filename: string) => NodeDescription>>
  readonly filename?: (query: NamingQuery<Values<O>>) => string | undefined
  readonly claims?: (query: ClaimsQuery<Values<O>>) => Claims
  readonly takesCompressed?: boolean
  open(next: Child, context: OpenContext<Values<O>>): MaybePromise<Partial<Instance>>
}

/** A filter over one child. What `open` does not return passes through unchanged. */
export function defineFilter<const O extends Members>(definition: FilterDefinition<O>): Driver {
  const { filtered = 'file', children = {}, ...rest } = definition
  return defineDriver<O>({
    ...rest,
    kind: 'filter',
    children: {
      [filtered]: { doc: 'The node below.', role: { filtered: true, primary: true } },
      ...children,
    },
    open(context) {
      const next = context.children.get(filtered)
      if (next === undefined) throw new Error('a filter opens with its child attached')
      const merge = (own: Partial<Instance>): Instance => ({ ...passThrough(next), ...own })
      const own = definition.open(next, context)
      return own instanceof Promise ? own.then(merge) : merge(own)
    },
  })
}

/** The instance that shows a child as it is. */
export function passThrough(next: Child): Instance {
  return {
    length: () => next.length(),
    read: (offset, into, flags) => next.read(offset, into, flags),
    write: (offset, data, flags) => next.write(offset, data, flags),
    zero: (offset, bytes, flags) => next.zero(offset, bytes, flags),
    discard: (offset, bytes) => next.discard(offset, bytes),
    flush: () => next.flush(),
    status: (offset, bytes) => next.status(offset, bytes),
    truncate: (bytes, options) => next.truncate(bytes, options),
    info: () => {
      // What is special about a format concerns its own node only.
      const { specific: _, ...shown } = next.info()
      return shown
    },
    get supports() {
      const fua = next.supportsFua()
      const unmapZero = next.supportsUnmapZero()
      return { fua, unchanged: true, unmapZero, fastZero: next.supportsFastZero() }
    },
  }
}

/** What a node tells of its image that is its child's: all but what is peculiar to the format. */
export function infoBelow(next: Child): InstanceInfo {
  const { specific: _, ...info } = next.info()
  return info
}
