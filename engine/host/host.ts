/**
 * The outside world as the engine sees it: files, time, randomness, sockets. Nothing else in the
 * engine reaches any of them. `real/` has the operating system's, `sim/` has simulated ones that
 * run in virtual time and replay exactly from a seed. The two never mix.
 */
import type { MaybePromise } from '../util/async.ts'

export interface Host {
  readonly kind: 'real' | 'sim'
  readonly files: Files
  readonly clock: Clock
  readonly random: Random
  readonly sockets: Sockets
  readonly compression: Compression
  /** Absent where nobody could log in anywhere. */
  readonly account: Account | undefined
}

/** On whose behalf the engine asks others for something. */
export interface Account {
  /** Name of the user, by which they log in elsewhere where nothing else is said. */
  readonly user: string
  /** The user's own directory; absent where there is none. */
  readonly home: string | undefined
  /** Path of the socket of the agent that signs with the user's keys; absent without one. */
  readonly keyAgent: string | undefined
}

export interface Clock {
  /** Nanoseconds since the host started: monotonic, a safe integer. */
  nowNs(): number
  /** Time of day, for event time stamps only. */
  timeOfDay(): { readonly seconds: number; readonly microseconds: number }
  /** Calls `fire` once, `delayNs` from now or as soon after as the host can. */
  after(delayNs: number, fire: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export interface Random {
  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number): number
}

export interface OpenFlags {
  readonly write: boolean
  /** Make the file when it is missing. */
  readonly create?: boolean
  /** Bypass the page cache (O_DIRECT). */
  readonly direct?: boolean
}

export interface Files {
  /** @throws {BlockError} whose errno says why; its description is the errno's text alone. */
  open(path: string, flags: OpenFlags): HostFile
  exists(path: string): boolean
  unlink(path: string): void
}

/** A run of bytes that are all stored, or all a hole. */
export interface Extent {
  readonly data: boolean
  readonly bytes: number
}

/** An open regular file. Offsets and lengths are bytes. Failures throw `BlockError` with an errno. */
export interface HostFile {
  /** False for a device, pipe or directory, of which only the name is known. */
  readonly regular: boolean
  /** A block or character device. */
  readonly device: boolean
  /**
   * What offsets and lengths must be multiples of past the page cache, found out by reading from the
   * start: a safe value where any length can be read, as of a hole, or without `direct`.
   */
  probeAlignment(): number
  length(): number
  /** Bytes of storage that the file takes, `undefined` where the host cannot tell. */
  allocatedBytes(): number | undefined
  /** Fills `into` from `offset`; what lies past the end reads as zeroes. */
  read(offset: number, into: Uint8Array): MaybePromise<void>
  /** Writes all of `data`, growing the file where needed. */
  write(offset: number, data: Uint8Array): MaybePromise<void>
  flush(): MaybePromise<void>
  truncate(bytes: number): void
  /**
   * Makes the range read as zeroes without keeping storage; false where the host cannot. What lies
   * past the end is left alone.
   */
  punchHole(offset: number, bytes: number): boolean
  /**
   * Makes the range read as zeroes with storage set aside, growing the file where needed; false
   * where the host cannot.
   */
  zeroRange(offset: number, bytes: number): boolean
  /**
   * Sets storage aside, growing the file where needed; what is stored stays. Throws `ENOTSUP` where
   * the host cannot.
   */
  allocate(offset: number, bytes: number): void
  /** The run that starts at `offset`, which is below `length()`. All data where unknown. */
  extent(offset: number): Extent
  /** Open file description locks on single bytes. */
  readonly locks: FileLocks | undefined
  close(): void
}

/** Shared byte locks as QEMU uses them on image files; absent where the host has none. */
export interface FileLocks {
  /** Takes a shared lock on one byte, or returns false where another owner excludes it. */
  lockShared(byte: number): boolean
  unlock(byte: number): void
  /** Whether an exclusive lock on the byte would be refused, that is: another owner holds one. */
  isHeldByOther(byte: number): boolean
}

export type SocketAddress =
  | {
      readonly type: 'unix'
      readonly path: string
      /** The path is a name outside the file system; loose ones are filled up with zero bytes. */
      readonly abstract?: 'tight' | 'loose'
    }
  | {
      readonly type: 'inet'
      readonly host: string
      readonly port: number
      /** The port as it was written, for messages; the number where this is absent. */
      readonly portText?: string
      /** Name of the service whose port the host is to look up; then `port` means nothing. */
      readonly service?: string
      /** Only addresses of this version of the protocol will do. */
      readonly family?: 4 | 6
      readonly keepAlive?: boolean
      /** Listen on the first free port from that one to this one. */
      readonly lastPort?: number
    }
  | {
      readonly type: 'vsock'
      /** Number of a machine, below 2^32; all ones stand for any of this one's to listen at. */
      readonly cid: number
      /** Below 2^32; all ones stand for any that is free to listen at. */
      readonly port: number
      /** Both as they were written, for messages. */
      readonly text: string
    }

export interface Sockets {
  /**
   * Listens. A unix path that exists already is replaced, an empty one made up.
   *
   * @throws {BlockError} with the errno's text; `ENXIO` stands for a host or service without an
   *   address, and its text says why; `ERANGE` for no port at all to try.
   */
  listen(address: SocketAddress, accept: (stream: ByteStream) => void): Promise<Listener>
  /** @throws {BlockError} as `listen` does. */
  connect(address: SocketAddress): Promise<ByteStream>
}

export interface Listener {
  readonly address: SocketAddress
  /** Stops accepting and removes a unix socket's file; open streams stay. */
  close(): void
}

/** A two-way byte stream: a socket, a pipe pair or a simulated one. */
export interface ByteStream {
  /** Sets the one reader. A chunk belongs to the reader; it stays unchanged. */
  onData(reader: (chunk: Uint8Array) => void): void
  /** Called once, when the peer has finished or the stream broke. */
  onEnd(reader: () => void): void
  /** Sends bytes in order. The promise, if any, resolves when more may be written. */
  write(chunk: Uint8Array): MaybePromise<void>
  /** Stops and restarts delivery, for back pressure. */
  pause(): void
  resume(): void
  /** No more will be written; delivers what was. */
  end(): void
  /**
   * Drops the stream at once, both ways; what was written before an `end` still arrives. No reader
   * of this end is called again.
   */
  destroy(): void
}

/** Ways to pack data: deflate without a header and with a window of 4 KiB, or one frame of zstd. */
export type PackingKind = 'deflate' | 'zstd'

/** The packed bytes are those of the system's own libraries, where it has them. */
export interface Compression {
  /** @throws {BlockError} `ENOTSUP`, with the reason, where it cannot be done here. */
  packing(kind: PackingKind): Packing
}

export interface Packing {
  /** @returns nothing where the packed data would have more than `most` bytes. */
  pack(data: Uint8Array, most: number): Uint8Array | undefined
  /**
   * The `bytes` bytes that `packed` begins with; what follows them in it is ignored.
   *
   * @returns nothing where it is damaged.
   */
  unpack(packed: Uint8Array, bytes: number): Uint8Array | undefined
}
