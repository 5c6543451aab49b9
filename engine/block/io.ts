/** The requests that a node takes, and what it answers. */
import type { MaybePromise } from '../util/async.ts'

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

/** What is asked about a run. */
export interface StatusQuery {
  /**
   * Only whether the node has something of its own there: what is cheap to tell is told, and all
   * of a file counts as data.
   */
  readonly allocationOnly?: boolean
  /** Of the image below a user's node, which may end elsewhere than the filters above it. */
  readonly ofImage?: boolean
}

export interface TruncateOptions {
  /** The new length with all of its bits, of which a number beyond 2^53 has too few. */
  readonly whole?: bigint
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
  status(offset: number, bytes: number, query?: StatusQuery): MaybePromise<BlockStatus>
  truncate(bytes: number, options?: TruncateOptions): MaybePromise<void>
}

/** The unchanging view that a copy-before-write node gives of what it protects. */
export interface SnapshotIo {
  read(offset: number, into: Uint8Array): MaybePromise<void>
  status(offset: number, bytes: number): MaybePromise<BlockStatus>
  /** The range will not be asked for again. */
  discard(offset: number, bytes: number): MaybePromise<void>
}
