/**
 * The client's half of the handshake: fixed newstyle, plain newstyle and oldstyle servers, without
 * TLS. Refusals have the texts of QEMU 7.2's client, as observed.
 */
import type { ByteStream } from '../host/host.ts'
import { BlockError } from '../util/errors.ts'
import {
  GREETING_MAGIC,
  HANDSHAKE_FLAG,
  INFO,
  nameIn,
  OPTION,
  OPTION_MAGIC,
  OPTION_NAMES,
  OPTION_REPLY,
  OPTION_REPLY_MAGIC,
  OPTION_REPLY_NAMES,
} from './constants.ts'
import type { Granted, Told } from './handshake-grant.ts'
import { completeGrant, plainGrant, readInfo } from './handshake-grant.ts'
import { failure, isError, refusal, tooManyReplies, unexpectedReply } from './handshake-refusal.ts'
import { MAX_OPTION_REPLIES, MAX_PAYLOAD_BYTES, MAX_STRING_BYTES } from './limits.ts'
import type { MaybePromise } from '../util/async.ts'
import { StreamEnded } from './reader.ts'
import type { StreamReader } from './reader.ts'
import { concat, decodeText, encodeText } from './text.ts'
import {
  CLIENT_FLAGS,
  EXPORT_NAME_REPLY,
  EXPORT_NAME_ZEROES,
  LONG,
  MAGIC,
  OLDSTYLE_MAGIC,
  OLDSTYLE_REPLY,
  OPTION_HEADER,
  OPTION_REPLY_HEADER,
  WORD,
} from './wire.ts'

export interface Wishes {
  /** Export name; empty means the server's default one. */
  readonly export: string
  readonly structured: boolean
  /** Asked for when structured replies were granted. */
  readonly metaContexts: readonly string[]
}

export interface ListedExport {
  readonly name: string
  readonly description: string
}

/** How the server wants to be talked to. */
type Style = 'fixed' | 'newstyle' | 'oldstyle'

interface Reply {
  readonly type: number
  readonly data: Uint8Array
}

/** The longest data of a reply that we take: a context or an export name, and some more. */
const MAX_REPLY_BYTES = 2 * MAX_STRING_BYTES + 64

/** Chooses an export. @throws {BlockError} when the server refuses or does not make sense. */
export async function negotiateAsClient(
  stream: ByteStream,
  reader: StreamReader,
  wishes: Wishes,
): Promise<Granted> {
  const session = new Session(stream, reader)
  const style = await session.greet()
  if (style === 'oldstyle') return session.oldstyle(wishes.export)
  if (style === 'newstyle') return session.exportName(wishes.export, false, new Map())
  return session.aborting(async () => {
    const structured = wishes.structured && (await session.requestStructured())
    const contexts = structured
      ? await session.setContexts(wishes.export, wishes.metaContexts)
      : new Map<number, string>()
    return session.choose('go', wishes.export, structured, contexts)
  })
}

/** The exports that the server lists; ends the session. */
export async function listAsClient(
  stream: ByteStream,
  reader: StreamReader,
): Promise<readonly ListedExport[]> {
  const session = new Session(stream, reader)
  const style = await session.greet()
  if (style === 'oldstyle') return [{ name: '', description: '' }]
  if (style === 'newstyle') throw failure('Server does not support listing exports')
  return session.aborting(async () => {
    const list = await session.list()
    await session.leave()
    return list
  })
}

/** The meta contexts that match the queries, all where there are none; ends the session. */
export async function contextsAsClient(
  stream: ByteStream,
  reader: StreamReader,
  name: string,
  queries: readonly string[],
): Promise<readonly string[]> {
  const session = new Session(stream, reader)
  if ((await session.greet()) !== 'fixed') return []
  return session.aborting(async () => {
    if (!(await session.requestStructured())) return []
    const contexts = await session.listContexts(name, queries)
    await session.leave()
    return contexts
  })
}

class Session {
  readonly #stream: ByteStream
  readonly #reader: StreamReader
  #noZeroes = false

  constructor(stream: ByteStream, reader: StreamReader) {
    this.#stream = stream
    this.#reader = reader
  }

  async greet(): Promise<Style> {
    const first = await this.#magic('initial magic')
    if (first !== GREETING_MAGIC) throw failure(`Bad initial magic received: ${hex(first)}`)
    const second = await this.#magic('server magic')
    if (second === OLDSTYLE_MAGIC) return 'oldstyle'
    if (second !== OPTION_MAGIC) throw failure(`Bad server magic received: ${hex(second)}`)
    const server = WORD.decode(await this.#read(WORD.size, 'server flags')).value
    const fixed = (server & HANDSHAKE_FLAG.fixedNewstyle) !== 0
    this.#noZeroes = (server & HANDSHAKE_FLAG.noZeroes) !== 0
    const flags = server & (HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes)
    await this.#stream.write(CLIENT_FLAGS.encode({ flags }))
    return fixed ? 'fixed' : 'newstyle'
  }

  /** Runs a part of the handshake; when it fails the server is told that we leave. */
  async aborting<T>(part: () => Promise<T>): Promise<T> {
    try {
      return await part()
    } catch (error) {
      await this.leave()
      throw error
    }
  }

  async leave(): Promise<void> {
    await this.#send(OPTION.abort)
  }

  async oldstyle(name: string): Promise<Granted> {
    if (name !== '') throw failure('Server does not support non-empty export names')
    const raw = await this.#read(OLDSTYLE_REPLY.size, 'export length')
    const { size, flags } = OLDSTYLE_REPLY.decode(raw)
    await this.#read(EXPORT_NAME_ZEROES, 'reserved block')
    return plainGrant(size, flags & 0xffff, false, new Map())
  }

  /** Chooses in the old way, which has no error replies: a refusal is the end of the stream. */
  async exportName(
    name: string,
    structured: boolean,
    contexts: ReadonlyMap<number, string>,
  ): Promise<Granted> {
    await this.#send(OPTION.exportName, encodeText(name))
    const raw = await this.#read(EXPORT_NAME_REPLY.size, 'export length')
    const { size, flags } = EXPORT_NAME_REPLY.decode(raw)
    if (!this.#noZeroes) await this.#read(EXPORT_NAME_ZEROES, 'reserved block')
    return plainGrant(size, flags, structured, contexts)
  }

  async requestStructured(): Promise<boolean> {
    await this.#send(OPTION.structuredReply)
    const { type, data } = await this.#reply(OPTION.structuredReply)
    if (isError(type)) return false
    if (type !== OPTION_REPLY.ack) throw unexpectedReply(OPTION.structuredReply, type)
    if (data.length > 0) {
      throw failure(
        `Option 8 ('structured reply') response length is ${String(data.length)} (it should be zero)`,
      )
    }
    return true
  }

  async setContexts(name: string, wanted: readonly string[]): Promise<ReadonlyMap<number, string>> {
    const contexts = new Map<number, string>()
    if (wanted.length === 0) return contexts
    await this.#contexts(OPTION.setMetaContext, name, wanted, (id, context) => {
      if (!wanted.includes(context)) {
        throw failure(
          `Failed to negotiate meta context '${wanted.join("', '")}', server answered with different context '${context}'`,
        )
      }
      if (contexts.has(id) || contexts.size === wanted.length) {
        throw failure('Server answered with more than one context')
      }
      contexts.set(id, context)
    })
    return contexts
  }

  async listContexts(name: string, queries: readonly string[]): Promise<string[]> {
    const found: string[] = []
    await this.#contexts(OPTION.listMetaContext, name, queries, (_id, context) => {
      found.push(context)
    })
    return found
  }

  /** Asks for contexts. A server that refuses has none for us, which is no failure. */
  async #contexts(
    option: number,
    name: string,
    queries: readonly string[],
    found: (id: number, context: string) => void,
  ): Promise<void> {
    const strings = [name, ...queries].map(sized)
    const [first, ...rest] = strings
    const count = LONG.encode({ value: queries.length })
    await this.#send(option, concat(first ?? count, count, ...rest))
    for (let replies = 0; replies < MAX_OPTION_REPLIES; replies += 1) {
      const { type, data } = await this.#reply(option)
      if (type === OPTION_REPLY.ack || isError(type)) return
      if (type !== OPTION_REPLY.metaContext) throw unexpectedReply(option, type)
      if (data.length <= LONG.size) {
        throw failure(
          `Failed to negotiate meta context, server answered with unexpected length ${String(data.length)}`,
        )
      }
      found(LONG.decode(data).value, decodeText(data.subarray(LONG.size)))
    }
    throw tooManyReplies(option)
  }

  async list(): Promise<ListedExport[]> {
    const list: ListedExport[] = []
    await this.#send(OPTION.list)
    while (list.length < MAX_OPTION_REPLIES) {
      const { type, data } = await this.#reply(OPTION.list)
      if (isError(type)) throw refusal(OPTION.list, type, data)
      if (type === OPTION_REPLY.ack) return list
      if (type !== OPTION_REPLY.server) throw unexpectedReply(OPTION.list, type)
      const bytes = data.length < LONG.size ? Infinity : LONG.decode(data).value
      if (bytes > data.length - LONG.size) throw failure('incorrect option length')
      const split = LONG.size + bytes
      list.push({
        name: decodeText(data.subarray(LONG.size, split)),
        description: decodeText(data.subarray(split)),
      })
    }
    throw tooManyReplies(OPTION.list)
  }

  async choose(
    how: 'go' | 'info',
    name: string,
    structured: boolean,
    contexts: ReadonlyMap<number, string>,
  ): Promise<Granted> {
    const kinds = [INFO.name, INFO.description, INFO.blockSize]
    const words = [kinds.length, ...kinds].map((value) => WORD.encode({ value }))
    await this.#send(OPTION[how], concat(sized(name), ...words))
    const told: Told = {}
    for (let replies = 0; replies < MAX_OPTION_REPLIES; replies += 1) {
      const { type, data } = await this.#reply(OPTION[how])
      if (type === OPTION_REPLY.unsupported && replies === 0) {
        return this.#chooseWithoutGo(name, structured, contexts)
      }
      if (isError(type)) throw refusal(OPTION[how], type, data)
      if (type === OPTION_REPLY.ack) {
        if (data.length > 0) throw failure('server sent invalid NBD_REP_ACK')
        return completeGrant(told, structured, contexts)
      }
      if (type !== OPTION_REPLY.info) {
        throw failure(
          `unexpected reply type ${String(type)} (${nameIn(OPTION_REPLY_NAMES, type)}), expected 3 (info)`,
        )
      }
      readInfo(told, data)
    }
    throw tooManyReplies(OPTION[how])
  }

  /** An older server lists what it has, so that a missing export is told from a broken stream. */
  async #chooseWithoutGo(
    name: string,
    structured: boolean,
    contexts: ReadonlyMap<number, string>,
  ): Promise<Granted> {
    const list = await this.list().catch((error: unknown) => {
      if (error instanceof BlockError && error.hint !== undefined) return undefined
      throw error
    })
    if (list !== undefined && !list.some((listed) => listed.name === name)) {
      throw failure('Requested export not available')
    }
    return this.exportName(name, structured, contexts)
  }

  async #send(option: number, data: Uint8Array = new Uint8Array()): Promise<void> {
    const header = OPTION_HEADER.encode({ magic: OPTION_MAGIC, option, bytes: data.length })
    await this.#stream.write(concat(header, data))
  }

  async #reply(option: number): Promise<Reply> {
    const raw = await this.#read(OPTION_REPLY_HEADER.size, 'option reply')
    const header = OPTION_REPLY_HEADER.decode(raw)
    if (header.magic !== OPTION_REPLY_MAGIC) throw failure('Unexpected option reply magic')
    if (header.option !== option) {
      const named = (number: number): string =>
        `${String(number)} (${nameIn(OPTION_NAMES, number)})`
      throw failure(`Unexpected option type ${named(header.option)}, expected ${named(option)}`)
    }
    if (header.bytes > MAX_REPLY_BYTES) {
      if (!isError(header.type)) throw failure(`option reply is too long: ${String(header.bytes)}`)
      const name = nameIn(OPTION_REPLY_NAMES, header.type)
      if (header.bytes > MAX_PAYLOAD_BYTES) {
        throw failure(`server error ${String(header.type)} (${name}) message is too long`)
      }
      await this.#named('option reply', this.#reader.skip(header.bytes))
      return { type: header.type, data: new Uint8Array() }
    }
    return { type: header.type, data: await this.#read(header.bytes, 'option reply') }
  }

  async #magic(what: string): Promise<bigint> {
    return MAGIC.decode(await this.#read(MAGIC.size, what)).value
  }

  async #read(bytes: number, what: string): Promise<Uint8Array> {
    return this.#named(what, this.#reader.read(bytes))
  }

  /** The end of the stream becomes a failure that says what was being read. */
  async #named<T>(what: string, reading: MaybePromise<T>): Promise<T> {
    try {
      return await reading
    } catch (error) {
      if (error instanceof StreamEnded) throw failure(`Failed to read ${what}: ${error.message}`)
      throw error
    }
  }
}

/** A length and the text: how names and queries are sent. */
function sized(text: string): Uint8Array {
  const bytes = encodeText(text)
  return concat(LONG.encode({ value: bytes.length }), bytes)
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`
}
