/** The server's writing side: one call writes one whole chunk, so replies never mix. */
import type { ByteStream } from '../host/host.ts'
import {
  CHUNK,
  CHUNK_FLAG_DONE,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from '../nbd/constants.ts'
import { errnoToWire } from '../nbd/errno.ts'
import { concat, encodeText } from '../nbd/text.ts'
import {
  CHUNK_DATA,
  CHUNK_ERROR,
  CHUNK_HOLE,
  CHUNK_STATUS,
  SIMPLE_REPLY,
  STATUS_EXTENT,
  STRUCTURED_REPLY,
} from '../nbd/wire.ts'
import type { MaybePromise } from '../util/async.ts'
import type { Errno } from '../util/errors.ts'

/** What one context says of a range. */
export interface StatusReply {
  readonly context: number
  readonly extents: readonly StatusExtent[]
}

export interface StatusExtent {
  readonly bytes: number
  readonly flags: number
}

const NO_DATA: Uint8Array = new Uint8Array()

export class ReplyWriter {
  readonly #stream: ByteStream
  readonly #structured: boolean

  constructor(stream: ByteStream, structured: boolean) {
    this.#stream = stream
    this.#structured = structured
  }

  /** Success without data: simple, also for clients that know better. */
  done(cookie: bigint): MaybePromise<void> {
    return this.#simple(cookie, 0)
  }

  error(cookie: bigint, errno: Errno, message: string): MaybePromise<void> {
    const error = errnoToWire(errno)
    if (!this.#structured) return this.#simple(cookie, error)
    const text = encodeText(message)
    const payload = concat(CHUNK_ERROR.encode({ error, messageBytes: text.length }), text)
    return this.#chunk(cookie, CHUNK.error, true, payload, NO_DATA)
  }

  /** All that was read, in one piece. */
  data(cookie: bigint, offset: number, data: Uint8Array): MaybePromise<void> {
    if (!this.#structured) return this.#simple(cookie, 0, data)
    if (data.length === 0) return this.#chunk(cookie, CHUNK.none, true, NO_DATA, NO_DATA)
    return this.dataChunk(cookie, offset, data, true)
  }

  dataChunk(cookie: bigint, offset: number, data: Uint8Array, last: boolean): MaybePromise<void> {
    const place = CHUNK_DATA.encode({ offset: BigInt(offset) })
    return this.#chunk(cookie, CHUNK.data, last, place, data)
  }

  holeChunk(cookie: bigint, offset: number, bytes: number, last: boolean): MaybePromise<void> {
    const hole = CHUNK_HOLE.encode({ offset: BigInt(offset), bytes })
    return this.#chunk(cookie, CHUNK.hole, last, hole, NO_DATA)
  }

  /** A chunk for each context. */
  async status(cookie: bigint, replies: readonly StatusReply[]): Promise<void> {
    for (const [index, { context, extents }] of replies.entries()) {
      const payload = encodeStatus(context, extents)
      const last = index === replies.length - 1
      await this.#chunk(cookie, CHUNK.blockStatus, last, payload, NO_DATA)
    }
  }

  #simple(cookie: bigint, error: number, data = NO_DATA): MaybePromise<void> {
    const header = SIMPLE_REPLY.encode({ magic: SIMPLE_REPLY_MAGIC, error, cookie })
    return this.#write(header, data)
  }

  #chunk(
    cookie: bigint,
    type: number,
    last: boolean,
    payload: Uint8Array,
    data: Uint8Array,
  ): MaybePromise<void> {
    const header = STRUCTURED_REPLY.encode({
      magic: STRUCTURED_REPLY_MAGIC,
      flags: last ? CHUNK_FLAG_DONE : 0,
      type,
      cookie,
      bytes: payload.length + data.length,
    })
    return this.#write(payload.length === 0 ? header : concat(header, payload), data)
  }

  /** Two writes in one turn keep their order and are not parted by others. */
  #write(header: Uint8Array, data: Uint8Array): MaybePromise<void> {
    const sent = this.#stream.write(header)
    return data.length === 0 ? sent : this.#stream.write(data)
  }
}

function encodeStatus(context: number, extents: readonly StatusExtent[]): Uint8Array {
  const payload = new Uint8Array(CHUNK_STATUS.size + extents.length * STATUS_EXTENT.size)
  CHUNK_STATUS.encodeInto(payload, 0, { context })
  let at = CHUNK_STATUS.size
  for (const extent of extents) {
    STATUS_EXTENT.encodeInto(payload, at, extent)
    at += STATUS_EXTENT.size
  }
  return payload
}
