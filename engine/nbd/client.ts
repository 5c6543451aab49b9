/**
 * An NBD client over any byte stream: handshake, then as many requests at once as the caller likes.
 * It is the one channel by which scenarios do I/O, on every target.
 */
import type { ByteStream } from '../host/host.ts'
import { assert } from '../util/assert.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { COMMAND, COMMAND_FLAG, EXPORT_FLAG, REQUEST_MAGIC } from './constants.ts'
import type { ListedExport } from './handshake-client.ts'
import { contextsAsClient, listAsClient, negotiateAsClient } from './handshake-client.ts'
import type { Granted } from './handshake-grant.ts'
import { MAX_STRING_BYTES } from './limits.ts'
import { StreamReader } from './reader.ts'
import { inPieces } from './pieces.ts'
import type { NbdExtent, NbdStatus, Pending } from './replies.ts'
import { ReplyParser } from './replies.ts'
import { encodeText } from './text.ts'
import { REQUEST } from './wire.ts'

export type { ListedExport, NbdExtent, NbdStatus }

export interface NbdConnectOptions {
  /** Export name; empty means the server's default one. */
  readonly export?: string
  /** Negotiate structured replies, which block status needs. True unless said otherwise. */
  readonly structured?: boolean
  /** Meta contexts to ask for; none unless said otherwise. Needs structured replies. */
  readonly metaContexts?: readonly string[]
}

/** What the server said about the export. */
export interface NbdExportInfo {
  readonly size: number
  /** Transmission flags as sent. */
  readonly flags: number
  readonly readOnly: boolean
  readonly structured: boolean
  /** Smallest length and alignment that requests may have; 1 where the server did not say. */
  readonly minimumBlock: number
  readonly preferredBlock: number
  readonly maximumPayload: number
  readonly name: string | undefined
  readonly description: string | undefined
  /** The contexts that were negotiated. */
  readonly metaContexts: readonly string[]
}

export interface ReadFlags {
  /**
   * Let the server answer in pieces, holes apart. Otherwise it is asked for one piece where it can
   * be, which also makes a failed read an answer: in pieces, a real QEMU hangs up instead.
   */
  readonly pieces?: boolean
}

export interface WriteFlags {
  readonly fua?: boolean
}

export interface ZeroFlags extends WriteFlags {
  /** Keep the storage. */
  readonly noHole?: boolean
  /** Fail with ENOTSUP where zeroing is no faster than writing. */
  readonly fast?: boolean
}

/** Requests without data that are longer than this are sent as several. */
const MAX_PLAIN_BYTES = 2 ** 31

export class NbdClient {
  readonly info: NbdExportInfo
  readonly #stream: ByteStream
  readonly #replies: ReplyParser
  #lastCookie = 0n

  /** @throws {BlockError} when the server refuses or does not make sense; the stream is closed. */
  static async connect(stream: ByteStream, options: NbdConnectOptions = {}): Promise<NbdClient> {
    const name = options.export ?? ''
    if (encodeText(name).length > MAX_STRING_BYTES) {
      stream.destroy()
      throw new BlockError('export name too long to send to server')
    }
    const reader = new StreamReader(stream)
    const granted = await closingOnFailure(stream, () =>
      negotiateAsClient(stream, reader, {
        export: name,
        structured: options.structured ?? true,
        metaContexts: options.metaContexts ?? [],
      }),
    )
    return new NbdClient(stream, reader, granted)
  }

  /** Names and descriptions of the exports; uses up the stream. */
  static async list(stream: ByteStream): Promise<readonly ListedExport[]> {
    const reader = new StreamReader(stream)
    const list = await closingOnFailure(stream, () => listAsClient(stream, reader))
    stream.end()
    return list
  }

  /** Meta contexts of an export, all or those that match the queries; uses up the stream. */
  static async listMetaContexts(
    stream: ByteStream,
    name: string,
    queries: readonly string[] = [],
  ): Promise<readonly string[]> {
    const reader = new StreamReader(stream)
    const list = await closingOnFailure(stream, () =>
      contextsAsClient(stream, reader, name, queries),
    )
    stream.end()
    return list
  }

  private constructor(stream: ByteStream, reader: StreamReader, granted: Granted) {
    this.#stream = stream
    this.#replies = new ReplyParser(stream, reader, granted)
    this.info = {
      size: granted.size,
      flags: granted.flags,
      readOnly: (granted.flags & EXPORT_FLAG.readOnly) !== 0,
      structured: granted.structured,
      minimumBlock: granted.minimumBlock,
      preferredBlock: granted.preferredBlock,
      maximumPayload: granted.maximumPayload,
      name: granted.name,
      description: granted.description,
      metaContexts: [...granted.contexts.values()],
    }
    this.#replies.start()
  }

  /** Whether the server hung up or broke the protocol, or we left. */
  get closed(): boolean {
    return this.#replies.failure !== undefined
  }

  /** The server's reason for closing the stream, as far as we can tell. */
  get failure(): BlockError | undefined {
    return this.#replies.failure
  }

  async read(offset: number, bytes: number, flags: ReadFlags = {}): Promise<Uint8Array> {
    const into = new Uint8Array(bytes)
    await this.readInto(offset, into, flags)
    return into
  }

  async readInto(offset: number, into: Uint8Array, flags: ReadFlags = {}): Promise<void> {
    const onePiece = flags.pieces !== true && (this.info.flags & EXPORT_FLAG.df) !== 0
    const wire = onePiece ? COMMAND_FLAG.df : 0
    await inPieces(into.length, this.info.maximumPayload, (done, bytes) =>
      this.#request(COMMAND.read, wire, offset + done, bytes, {
        into: into.subarray(done, done + bytes),
      }),
    )
  }

  async write(offset: number, data: Uint8Array, flags: WriteFlags = {}): Promise<void> {
    const wire = flags.fua === true ? COMMAND_FLAG.fua : 0
    await inPieces(data.length, this.info.maximumPayload, (done, bytes) =>
      this.#request(COMMAND.write, wire, offset + done, bytes, {
        data: data.subarray(done, done + bytes),
      }),
    )
  }

  async zero(offset: number, bytes: number, flags: ZeroFlags = {}): Promise<void> {
    const wire =
      (flags.fua === true ? COMMAND_FLAG.fua : 0) |
      (flags.noHole === true ? COMMAND_FLAG.noHole : 0) |
      (flags.fast === true ? COMMAND_FLAG.fastZero : 0)
    await this.#plain(COMMAND.writeZeroes, wire, offset, bytes)
  }

  async trim(offset: number, bytes: number, flags: WriteFlags = {}): Promise<void> {
    await this.#plain(COMMAND.trim, flags.fua === true ? COMMAND_FLAG.fua : 0, offset, bytes)
  }

  async cache(offset: number, bytes: number): Promise<void> {
    await this.#plain(COMMAND.cache, 0, offset, bytes)
  }

  async flush(): Promise<void> {
    await this.#request(COMMAND.flush, 0, 0, 0)
  }

  /**
   * What each negotiated context says of the range, from its start and perhaps not to its end.
   *
   * @throws {BlockError} `EINVAL` when no context was negotiated.
   */
  async blockStatus(
    offset: number,
    bytes: number,
    flags: { readonly one?: boolean } = {},
  ): Promise<readonly NbdStatus[]> {
    if (this.info.metaContexts.length === 0) throw ioError('EINVAL')
    const status: NbdStatus[] = []
    const wire = flags.one === true ? COMMAND_FLAG.oneExtent : 0
    const asked = Math.min(bytes, MAX_PLAIN_BYTES)
    await this.#request(COMMAND.blockStatus, wire, offset, asked, { status })
    return status
  }

  /** Any request, however wrong: for tests of servers. */
  async raw(type: number, flags: number, offset: number, bytes: number): Promise<void> {
    await this.#request(type, flags, offset, bytes)
  }

  /** Resolves when the server has closed its side, or was given up. */
  get ended(): Promise<void> {
    return this.#replies.ended
  }

  /** Tells the server goodbye and closes the stream. Requests under way fail with ESHUTDOWN. */
  async disconnect(): Promise<void> {
    if (this.closed) return
    this.#replies.fail(ioError('ESHUTDOWN'))
    await this.#stream.write(encodeRequest(COMMAND.disconnect, 0, 0, 0, 0n))
    this.#stream.end()
  }

  async #plain(type: number, flags: number, offset: number, bytes: number): Promise<void> {
    await inPieces(bytes, MAX_PLAIN_BYTES, (done, piece) =>
      this.#request(type, flags, offset + done, piece),
    )
  }

  async #request(
    type: number,
    flags: number,
    offset: number,
    bytes: number,
    about: Pick<Pending, 'into' | 'status'> & { readonly data?: Uint8Array } = {},
  ): Promise<void> {
    if (this.#replies.failure !== undefined) throw this.#replies.failure
    assert(Number.isSafeInteger(offset) && offset >= 0, 'offsets are safe integers')
    const cookie = (this.#lastCookie += 1n)
    const { data, ...rest } = about
    const answered = new Promise<void>((resolve, reject) => {
      this.#replies.expect(cookie, { ...rest, type, flags, offset, bytes, resolve, reject })
    })
    const sent = this.#stream.write(encodeRequest(type, flags, offset, bytes, cookie))
    const sentData = data === undefined || data.length === 0 ? undefined : this.#stream.write(data)
    await Promise.all([answered, sent, sentData])
  }
}

function encodeRequest(
  type: number,
  flags: number,
  offset: number,
  bytes: number,
  cookie: bigint,
): Uint8Array {
  return REQUEST.encode({
    magic: REQUEST_MAGIC,
    flags,
    type,
    cookie,
    offset: BigInt(offset),
    bytes,
  })
}

async function closingOnFailure<T>(stream: ByteStream, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // The server may be told that we leave.
    stream.end()
    stream.destroy()
    throw error
  }
}
