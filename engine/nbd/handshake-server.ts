/**
 * The server's half of the handshake: fixed newstyle, without TLS. Replies and their texts are
 * those of QEMU 7.2, as observed.
 */
import type { ByteStream } from '../host/host.ts'
import {
  EXPORT_FLAG,
  GREETING_MAGIC,
  HANDSHAKE_FLAG,
  INFO,
  nameIn,
  OPTION,
  OPTION_MAGIC,
  OPTION_NAMES,
  OPTION_REPLY,
  OPTION_REPLY_MAGIC,
} from './constants.ts'
import { MAX_PAYLOAD_BYTES, MAX_STRING_BYTES } from './limits.ts'
import { Inconsistent, NameTooLong, OptionData } from './option-data.ts'
import { StreamEnded } from './reader.ts'
import type { StreamReader } from './reader.ts'
import { concat, decodeText, encodeText } from './text.ts'
import {
  CLIENT_FLAGS,
  EXPORT_NAME_REPLY,
  EXPORT_NAME_ZEROES,
  GREETING,
  INFO_BLOCK_SIZE,
  INFO_EXPORT,
  LONG,
  OPTION_HEADER,
  OPTION_REPLY_HEADER,
  WORD,
} from './wire.ts'

/** Something that block status can tell, with the number that stands for it in replies. */
export interface OfferedContext {
  readonly id: number
  readonly name: string
}

/** What a server offers under a name. */
export interface OfferedExport {
  readonly name: string
  readonly description: string | undefined
  readonly size: number
  /** Transmission flags for a client without structured replies. */
  readonly flags: number
  readonly minimumBlock: number
  readonly preferredBlock: number
  readonly maximumBlock: number
  readonly contexts: readonly OfferedContext[]
}

export interface Catalogue<E extends OfferedExport> {
  list(): readonly E[]
  find(name: string): E | undefined
}

/** What both sides agreed on. */
export interface Negotiated<E extends OfferedExport> {
  readonly export: E
  readonly structured: boolean
  /** Numbers of the contexts that the client wants in block status replies. */
  readonly contexts: readonly number[]
}

/** The client cannot be served; the stream is to be dropped. The message is for the log. */
export class NegotiationFailed extends Error {
  override readonly name = 'NegotiationFailed'
}

/** The first name bytes that an error message repeats. */
const NAME_IN_MESSAGE_CHARACTERS = 80

/**
 * Talks to a client until it has chosen an export.
 *
 * @returns nothing when the client took its leave.
 * @throws {NegotiationFailed} when it broke the protocol.
 */
export async function negotiateAsServer<E extends OfferedExport>(
  stream: ByteStream,
  reader: StreamReader,
  catalogue: Catalogue<E>,
): Promise<Negotiated<E> | undefined> {
  const session = new Handshake(stream, reader, catalogue)
  return session.run()
}

interface Option {
  readonly number: number
  readonly data: OptionData
}

/** How the handshake goes on after an option. */
type Next<E extends OfferedExport> = 'continue' | 'leave' | Negotiated<E>

class Handshake<E extends OfferedExport> {
  readonly #stream: ByteStream
  readonly #reader: StreamReader
  readonly #catalogue: Catalogue<E>
  #fixedNewstyle = false
  #noZeroes = false
  #structured = false
  /** The export for which contexts were chosen, and their numbers. */
  #contexts: { readonly export: string; readonly chosen: readonly number[] } | undefined

  constructor(stream: ByteStream, reader: StreamReader, catalogue: Catalogue<E>) {
    this.#stream = stream
    this.#reader = reader
    this.#catalogue = catalogue
  }

  async run(): Promise<Negotiated<E> | undefined> {
    await this.#greet()
    for (;;) {
      const option = await this.#readOption()
      const next = await this.#answer(option)
      if (next === 'leave') return undefined
      if (next !== 'continue') return next
    }
  }

  async #greet(): Promise<void> {
    await this.#stream.write(
      GREETING.encode({
        magic: GREETING_MAGIC,
        optionMagic: OPTION_MAGIC,
        flags: HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes,
      }),
    )
    const { flags } = CLIENT_FLAGS.decode(await this.#read(CLIENT_FLAGS.size, 'flags'))
    this.#fixedNewstyle = (flags & HANDSHAKE_FLAG.fixedNewstyle) !== 0
    this.#noZeroes = (flags & HANDSHAKE_FLAG.noZeroes) !== 0
    const unknown = flags & ~(HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes)
    if (unknown !== 0) {
      throw new NegotiationFailed(`Unknown client flags 0x${(unknown >>> 0).toString(16)} received`)
    }
  }

  async #readOption(): Promise<Option> {
    const header = OPTION_HEADER.decode(await this.#read(OPTION_HEADER.size, 'opts magic'))
    if (header.magic !== OPTION_MAGIC) throw new NegotiationFailed('Bad magic received')
    if (header.bytes > MAX_PAYLOAD_BYTES) {
      throw new NegotiationFailed(
        `len (${String(header.bytes)} ) is larger than max len (${String(MAX_PAYLOAD_BYTES)})`,
      )
    }
    if (!this.#fixedNewstyle && header.option !== OPTION.exportName) {
      throw new NegotiationFailed(unsupportedText(header.option))
    }
    if (header.option === OPTION.exportName && header.bytes > MAX_STRING_BYTES) {
      throw new NegotiationFailed('Bad length received')
    }
    return { number: header.option, data: new OptionData(await this.#readData(header)) }
  }

  /** The data of options that we know; what comes with others is dropped as it arrives. */
  async #readData(header: {
    readonly option: number
    readonly bytes: number
  }): Promise<Uint8Array> {
    if (Object.hasOwn(OPTION_NAMES, header.option)) return this.#reader.read(header.bytes)
    await this.#reader.skip(header.bytes)
    return new Uint8Array()
  }

  async #answer(option: Option): Promise<Next<E>> {
    try {
      return await this.#dispatch(option)
    } catch (error) {
      if (error instanceof Inconsistent) {
        const text = `Inconsistent lengths in option ${nameIn(OPTION_NAMES, option.number)}`
        return this.#refuse(option, OPTION_REPLY.invalid, text)
      }
      if (error instanceof NameTooLong) {
        const text = `Invalid name length: ${String(error.bytes)}`
        return this.#refuse(option, OPTION_REPLY.invalid, text)
      }
      throw error
    }
  }

  #dispatch(option: Option): Promise<Next<E>> {
    switch (option.number) {
      case OPTION.exportName:
        return this.#exportName(option)
      case OPTION.abort:
        return this.#abort(option)
      case OPTION.list:
        return this.#list(option)
      case OPTION.startTls:
        return this.#empty(option, () =>
          this.#refuse(option, OPTION_REPLY.policy, 'TLS not configured'),
        )
      case OPTION.info:
      case OPTION.go:
        return this.#choose(option)
      case OPTION.structuredReply:
        return this.#empty(option, () => this.#structuredReply(option))
      case OPTION.listMetaContext:
      case OPTION.setMetaContext:
        return this.#metaContext(option)
      default:
        return this.#refuse(option, OPTION_REPLY.unsupported, unsupportedText(option.number))
    }
  }

  /** The old way, which cannot be refused but by dropping the client. */
  async #exportName(option: Option): Promise<Next<E>> {
    const found = this.#catalogue.find(decodeText(option.data.rest()))
    if (found === undefined) throw new NegotiationFailed('export not found')
    const reply = EXPORT_NAME_REPLY.encode({ size: found.size, flags: this.#flagsOf(found) })
    const zeroes = new Uint8Array(this.#noZeroes ? 0 : EXPORT_NAME_ZEROES)
    await this.#stream.write(concat(reply, zeroes))
    return this.#agree(found)
  }

  async #abort(option: Option): Promise<Next<E>> {
    await this.#reply(option, OPTION_REPLY.ack)
    return 'leave'
  }

  #list(option: Option): Promise<Next<E>> {
    return this.#empty(option, async () => {
      for (const { name, description } of this.#catalogue.list()) {
        const bytes = encodeText(name)
        const length = LONG.encode({ value: bytes.length })
        const data = concat(length, bytes, encodeText(description ?? ''))
        await this.#reply(option, OPTION_REPLY.server, data)
      }
      await this.#reply(option, OPTION_REPLY.ack)
      return 'continue'
    })
  }

  async #choose(option: Option): Promise<Next<E>> {
    const { data } = option
    const name = data.exportName()
    const wanted = new Set<number>()
    for (let left = data.word(); left > 0; left -= 1) wanted.add(data.word())
    if (data.left > 0) return this.#unexpectedLength(option)
    const found = this.#catalogue.find(name)
    if (found === undefined) return this.#notPresent(option, name)
    if (wanted.has(INFO.name)) await this.#info(option, INFO.name, encodeText(name))
    if (found.description !== undefined) {
      await this.#info(option, INFO.description, encodeText(found.description))
    }
    await this.#reply(option, OPTION_REPLY.info, this.#blockSizeInfo(option, found, wanted))
    const info = { kind: INFO.export, size: found.size, flags: this.#flagsOf(found) }
    await this.#reply(option, OPTION_REPLY.info, INFO_EXPORT.encode(info))
    if (option.number === OPTION.info && found.minimumBlock > 1 && !wanted.has(INFO.blockSize)) {
      const text = 'request NBD_INFO_BLOCK_SIZE to use this export'
      return this.#refuse(option, OPTION_REPLY.blockSizeRequired, text)
    }
    await this.#reply(option, OPTION_REPLY.ack)
    return option.number === OPTION.go ? this.#agree(found) : 'continue'
  }

  /** A client that goes on without asking for block sizes is promised that any will do. */
  #blockSizeInfo(option: Option, found: E, wanted: ReadonlySet<number>): Uint8Array {
    const tell = option.number === OPTION.info || wanted.has(INFO.blockSize)
    return INFO_BLOCK_SIZE.encode({
      kind: INFO.blockSize,
      minimum: tell ? found.minimumBlock : 1,
      preferred: found.preferredBlock,
      maximum: found.maximumBlock,
    })
  }

  async #structuredReply(option: Option): Promise<Next<E>> {
    if (this.#structured) {
      const text = 'structured reply already negotiated'
      return this.#refuse(option, OPTION_REPLY.invalid, text)
    }
    this.#structured = true
    await this.#reply(option, OPTION_REPLY.ack)
    return 'continue'
  }

  async #metaContext(option: Option): Promise<Next<E>> {
    const set = option.number === OPTION.setMetaContext
    if (set) this.#contexts = undefined
    if (set && !this.#structured) {
      const text = `request option '${nameIn(OPTION_NAMES, option.number)}' when structured reply is not negotiated`
      return this.#refuse(option, OPTION_REPLY.invalid, text)
    }
    const name = option.data.exportName()
    const found = this.#catalogue.find(name)
    if (found === undefined) return this.#notPresent(option, name)
    const chosen = chosenContexts(option.data, found.contexts, set)
    for (const context of chosen) {
      // Only who sets them will meet the numbers again.
      const id = LONG.encode({ value: set ? context.id : 0 })
      await this.#reply(option, OPTION_REPLY.metaContext, concat(id, encodeText(context.name)))
    }
    if (set) this.#contexts = { export: name, chosen: chosen.map(({ id }) => id) }
    await this.#reply(option, OPTION_REPLY.ack)
    // What follows the queries is taken for the next option, which it hardly can be.
    if (option.data.left > 0) throw new NegotiationFailed('Bad magic received')
    return 'continue'
  }

  #agree(found: E): Negotiated<E> {
    // Contexts chosen for another export do not count.
    const contexts = this.#contexts?.export === found.name ? this.#contexts.chosen : []
    return { export: found, structured: this.#structured, contexts }
  }

  #flagsOf(found: E): number {
    return found.flags | (this.#structured ? EXPORT_FLAG.df : 0)
  }

  #empty(option: Option, answer: () => Promise<Next<E>>): Promise<Next<E>> {
    return option.data.left > 0 ? this.#unexpectedLength(option) : answer()
  }

  #unexpectedLength(option: Option): Promise<Next<E>> {
    const text = `option '${nameIn(OPTION_NAMES, option.number)}' has unexpected length`
    return this.#refuse(option, OPTION_REPLY.invalid, text)
  }

  #notPresent(option: Option, name: string): Promise<Next<E>> {
    const shown =
      name.length < NAME_IN_MESSAGE_CHARACTERS
        ? name
        : `${name.slice(0, NAME_IN_MESSAGE_CHARACTERS)}...`
    return this.#refuse(option, OPTION_REPLY.unknown, `export '${shown}' not present`)
  }

  async #refuse(option: Option, type: number, text: string): Promise<Next<E>> {
    await this.#reply(option, type, encodeText(text))
    return 'continue'
  }

  async #info(option: Option, kind: number, text: Uint8Array): Promise<void> {
    await this.#reply(option, OPTION_REPLY.info, concat(WORD.encode({ value: kind }), text))
  }

  async #read(bytes: number, what: string): Promise<Uint8Array> {
    try {
      return await this.#reader.read(bytes)
    } catch (error) {
      if (!(error instanceof StreamEnded)) throw error
      throw new NegotiationFailed(`Failed to read ${what}: ${error.message}`)
    }
  }

  async #reply(option: Option, type: number, data: Uint8Array = new Uint8Array()): Promise<void> {
    const header = OPTION_REPLY_HEADER.encode({
      magic: OPTION_REPLY_MAGIC,
      option: option.number,
      type,
      bytes: data.length,
    })
    await this.#stream.write(concat(header, data))
  }
}

function unsupportedText(option: number): string {
  return `Unsupported option ${String(option)} (${nameIn(OPTION_NAMES, option)})`
}

/**
 * The contexts that the queries select, in the order of the export's. Listing without queries
 * selects all there is, and a bare namespace all that is in it, but only when listing.
 */
function chosenContexts(
  data: OptionData,
  offered: readonly OfferedContext[],
  set: boolean,
): readonly OfferedContext[] {
  const count = data.long()
  const chosen = new Set<OfferedContext>(count === 0 && !set ? offered : [])
  for (let left = count; left > 0; left -= 1) {
    const query = decodeText(data.take(data.long()))
    const isNamespace = !set && NAMESPACES.includes(query)
    // Of several with one name a name means the first, a namespace all.
    const named = isNamespace
      ? offered.filter(({ name }) => name.startsWith(query))
      : offered.filter(({ name }) => name === query).slice(0, 1)
    for (const context of named) chosen.add(context)
  }
  return offered.filter((context) => chosen.has(context))
}

/** What a query may end with to stand for all that begin so. */
const NAMESPACES: readonly string[] = ['base:', 'qemu:', 'qemu:dirty-bitmap:']
