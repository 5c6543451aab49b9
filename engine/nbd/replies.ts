/**
 * The client's reading side: matches replies to requests, checks everything a server says against
 * what was asked, and gives up on the whole stream when it does not fit.
 */
import type { ByteStream } from '../host/host.ts'
import { BlockError, errnoText } from '../util/errors.ts'
import { isPromise } from '../util/async.ts'
import {
  CHUNK,
  CHUNK_FLAG_DONE,
  COMMAND,
  COMMAND_FLAG,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './constants.ts'
import { errnoFromWire } from './errno.ts'
import type { Granted } from './handshake-grant.ts'
import { MAX_PAYLOAD_BYTES, MAX_STRING_BYTES } from './limits.ts'
import { StreamEnded } from './reader.ts'
import type { StreamReader } from './reader.ts'
import { decodeText } from './text.ts'
import {
  CHUNK_DATA,
  CHUNK_ERROR,
  CHUNK_HOLE,
  CHUNK_STATUS,
  LONG,
  SIMPLE_REPLY,
  STATUS_EXTENT,
  STRUCTURED_REPLY,
} from './wire.ts'

/** A run of one state as one meta context describes it; `flags` are the context's own. */
export interface NbdExtent {
  readonly bytes: number
  readonly flags: number
}

export interface NbdStatus {
  readonly context: string
  /** At least one; they cover the range from its start, perhaps not to its end. */
  readonly extents: readonly NbdExtent[]
}

/** A request that waits for its reply. */
export interface Pending {
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly bytes: number
  /** Where the data of a read goes. */
  readonly into?: Uint8Array
  /** Where the answer to a status request goes. */
  readonly status?: NbdStatus[]
  readonly resolve: () => void
  readonly reject: (error: BlockError) => void
}

/** A pending request and what has come for it. */
interface Open extends Pending {
  /** Bytes of the read that have come, data and holes. */
  received: number
  error: BlockError | undefined
}

interface Chunk {
  readonly flags: number
  readonly type: number
  readonly bytes: number
}

export class ReplyParser {
  readonly #stream: ByteStream
  readonly #reader: StreamReader
  readonly #granted: Granted
  readonly #open = new Map<bigint, Open>()
  failure: BlockError | undefined
  /** Resolves when nothing is read any more. */
  readonly ended: Promise<void>
  #end: () => void = () => undefined

  constructor(stream: ByteStream, reader: StreamReader, granted: Granted) {
    this.#stream = stream
    this.#reader = reader
    this.#granted = granted
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  expect(cookie: bigint, pending: Pending): void {
    this.#open.set(cookie, { ...pending, received: 0, error: undefined })
  }

  /** Reads replies until the stream ends. */
  start(): void {
    this.#loop().catch((error: unknown) => {
      // A stream that ends, or a server that talks nonsense, fails all that waits with EIO.
      const text = error instanceof StreamEnded ? 'server closed the connection' : String(error)
      this.fail(
        error instanceof BlockError ? error : new BlockError(text, { errno: 'EIO', cause: error }),
      )
      this.#stream.destroy()
      this.#end()
    })
  }

  /** Fails every open request, and all to come. */
  fail(error: BlockError): void {
    this.failure ??= error
    const open = [...this.#open.values()]
    this.#open.clear()
    for (const { reject } of open) reject(error)
  }

  async #loop(): Promise<never> {
    for (;;) {
      const { value: magic } = LONG.decode(await this.#read(LONG.size))
      if (magic === SIMPLE_REPLY_MAGIC) await this.#simple()
      else if (magic === STRUCTURED_REPLY_MAGIC && this.#granted.structured)
        await this.#structured()
      else throw protocolError(`unexpected reply magic 0x${magic.toString(16)}`)
    }
  }

  /** Both headers are read without their magic, which told them apart. */
  async #simple(): Promise<void> {
    const { error, cookie } = SIMPLE_REPLY.decode(await this.#header(SIMPLE_REPLY.size))
    const open = this.#find(cookie)
    if (this.#granted.structured && open.type === COMMAND.read) {
      throw protocolError('simple reply when structured reply chunk was expected')
    }
    if (this.#granted.structured && open.type === COMMAND.blockStatus && error === 0) {
      throw protocolError('simple reply when structured reply chunk was expected')
    }
    if (error !== 0) {
      open.error = remoteError(error, '')
    } else if (open.into !== undefined) {
      await this.#fill(open.into)
      open.received = open.bytes
    }
    this.#settle(cookie, open)
  }

  async #structured(): Promise<void> {
    const header = STRUCTURED_REPLY.decode(await this.#header(STRUCTURED_REPLY.size))
    const open = this.#find(header.cookie)
    await this.#chunk(open, header)
    if ((header.flags & CHUNK_FLAG_DONE) !== 0) this.#settle(header.cookie, open)
  }

  async #chunk(open: Open, chunk: Chunk): Promise<void> {
    if ((chunk.type & CHUNK.errorBit) !== 0) {
      await this.#errorChunk(open, chunk)
      return
    }
    switch (chunk.type) {
      case CHUNK.none:
        if (chunk.bytes !== 0 || (chunk.flags & CHUNK_FLAG_DONE) === 0) {
          throw protocolError('NBD_REPLY_TYPE_NONE chunk with payload, or without the done flag')
        }
        return
      case CHUNK.data:
        await this.#dataChunk(open, chunk)
        return
      case CHUNK.hole:
        await this.#holeChunk(open, chunk)
        return
      case CHUNK.blockStatus:
        await this.#statusChunk(open, chunk)
        return
      default:
        throw protocolError(`unexpected reply type ${String(chunk.type)}`)
    }
  }

  async #dataChunk(open: Open, chunk: Chunk): Promise<void> {
    const bytes = chunk.bytes - CHUNK_DATA.size
    if (bytes <= 0) throw protocolError('data chunk without data')
    const { offset } = CHUNK_DATA.decode(await this.#read(CHUNK_DATA.size))
    await this.#fill(this.#place(open, offset, bytes))
  }

  async #holeChunk(open: Open, chunk: Chunk): Promise<void> {
    if (chunk.bytes !== CHUNK_HOLE.size) throw protocolError('hole chunk of the wrong length')
    const { offset, bytes } = CHUNK_HOLE.decode(await this.#read(CHUNK_HOLE.size))
    if (bytes === 0) throw protocolError('hole chunk without length')
    this.#place(open, offset, bytes).fill(0)
  }

  /** The part of the reader's buffer that a chunk is for. */
  #place(open: Open, offset: bigint, bytes: number): Uint8Array {
    const at = Number(offset) - open.offset
    if (open.into === undefined || at < 0 || at + bytes > open.bytes) {
      throw protocolError('chunk exceeds the requested range')
    }
    open.received += bytes
    // Chunks may not overlap, so more bytes than asked for means that some came twice.
    if (open.received > open.bytes) throw protocolError('chunks overlap')
    return open.into.subarray(at, at + bytes)
  }

  async #statusChunk(open: Open, chunk: Chunk): Promise<void> {
    const bytes = chunk.bytes - CHUNK_STATUS.size
    if (open.status === undefined) throw protocolError('status chunk for another request')
    if (bytes <= 0 || bytes % STATUS_EXTENT.size !== 0 || bytes > MAX_PAYLOAD_BYTES) {
      throw protocolError('status chunk of the wrong length')
    }
    const { context } = CHUNK_STATUS.decode(await this.#read(CHUNK_STATUS.size))
    const name = this.#granted.contexts.get(context)
    if (name === undefined) throw protocolError(`unexpected context id ${String(context)}`)
    if (open.status.some((known) => known.context === name)) {
      throw protocolError('several status chunks for one context')
    }
    const extents = readExtents(await this.#read(bytes), open)
    open.status.push({ context: name, extents })
  }

  async #errorChunk(open: Open, chunk: Chunk): Promise<void> {
    if (chunk.bytes < CHUNK_ERROR.size || chunk.bytes > CHUNK_ERROR.size + MAX_STRING_BYTES + 8) {
      throw protocolError('error chunk of the wrong length')
    }
    const payload = await this.#read(chunk.bytes)
    const { error, messageBytes } = CHUNK_ERROR.decode(payload)
    if (error === 0 || messageBytes > chunk.bytes - CHUNK_ERROR.size) {
      throw protocolError('error chunk without error, or with a message past its end')
    }
    const message = payload.subarray(CHUNK_ERROR.size, CHUNK_ERROR.size + messageBytes)
    open.error ??= remoteError(error, decodeText(message))
  }

  #find(cookie: bigint): Open {
    const open = this.#open.get(cookie)
    if (open === undefined) throw protocolError('reply to no request')
    return open
  }

  #settle(cookie: bigint, open: Open): void {
    this.#open.delete(cookie)
    if (open.error !== undefined) {
      open.reject(open.error)
      return
    }
    const incomplete =
      (open.into !== undefined && open.received < open.bytes) || open.status?.length === 0
    if (incomplete) {
      // Whoever asked gets no data that the server did not send.
      const error = protocolError('incomplete reply')
      open.reject(error)
      throw error
    }
    open.resolve()
  }

  async #fill(into: Uint8Array): Promise<void> {
    // In steps, so that a long read does not make the reader collect all of it first.
    const stepBytes = 1 << 18
    for (let done = 0; done < into.length; done += stepBytes) {
      const bytes = Math.min(stepBytes, into.length - done)
      into.set(await this.#read(bytes), done)
    }
  }

  /** The rest of a header whose magic is read, with room where the magic was. */
  async #header(bytes: number): Promise<Uint8Array> {
    const whole = new Uint8Array(bytes)
    whole.set(await this.#read(bytes - LONG.size), LONG.size)
    return whole
  }

  async #read(bytes: number): Promise<Uint8Array> {
    const read = this.#reader.read(bytes)
    return isPromise(read) ? await read : read
  }
}

function readExtents(payload: Uint8Array, open: Open): NbdExtent[] {
  const extents: NbdExtent[] = []
  let total = 0
  for (let at = 0; at < payload.length; at += STATUS_EXTENT.size) {
    const extent = STATUS_EXTENT.decode(payload, at)
    if (extent.bytes === 0) throw protocolError('extent without length')
    if (total >= open.bytes) throw protocolError('extents past the requested range')
    total += extent.bytes
    // The last one may reach further than was asked.
    const bytes = extent.bytes - Math.max(0, total - open.bytes)
    extents.push({ bytes, flags: extent.flags })
  }
  if ((open.flags & COMMAND_FLAG.oneExtent) !== 0 && extents.length > 1) {
    throw protocolError('several extents where one was asked for')
  }
  return extents
}

function protocolError(text: string): BlockError {
  return new BlockError(`Protocol error: ${text}`, { errno: 'EIO' })
}

/** The server's error; what it says about it goes into the hint. */
function remoteError(number: number, message: string): BlockError {
  const errno = errnoFromWire(number)
  return new BlockError(errnoText(errno), {
    errno,
    ...(message === '' ? {} : { hint: `${message}\n` }),
  })
}
