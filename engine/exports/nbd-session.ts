/** One client of the NBD server: handshake, then requests until either side has had enough. */
import type { ByteStream } from '../host/host.ts'
import { COMMAND, REQUEST_MAGIC } from '../nbd/constants.ts'
import type { Catalogue, Negotiated } from '../nbd/handshake-server.ts'
import { negotiateAsServer, NegotiationFailed } from '../nbd/handshake-server.ts'
import { MAX_PAYLOAD_BYTES, MAX_REQUESTS } from '../nbd/limits.ts'
import { StreamEnded, StreamReader } from '../nbd/reader.ts'
import { REQUEST } from '../nbd/wire.ts'
import { answer } from './nbd-answer.ts'
import type { ExportClient, NbdExport } from './nbd-export.ts'
import { Gate } from './gate.ts'
import { ClientFailed } from './nbd-failure.ts'
import { ReplyWriter } from './nbd-replies.ts'
import type { NbdRequest } from './nbd-request.ts'
import { requestProblem } from './nbd-request.ts'

const NO_DATA = new Uint8Array()

export class NbdSession implements ExportClient {
  readonly #stream: ByteStream
  readonly #reader: StreamReader
  readonly #catalogue: Catalogue<NbdExport>
  readonly #log: (line: string) => void
  /** Requests that are being worked on. */
  #running = 0
  /** Wakes the loop that waits for a free place among the running requests. */
  #wake: (() => void) | undefined
  #dropped = false
  readonly #gate = new Gate()
  #becomeIdle: () => void = () => undefined
  readonly idle: Promise<void>

  constructor(stream: ByteStream, catalogue: Catalogue<NbdExport>, log: (line: string) => void) {
    this.#stream = stream
    this.#reader = new StreamReader(stream)
    this.#catalogue = catalogue
    this.#log = log
    this.idle = new Promise((resolve) => {
      this.#becomeIdle = resolve
    })
  }

  /** Settles when the client is gone and the last of its requests has completed. */
  async run(): Promise<void> {
    let used: NbdExport | undefined
    try {
      const negotiated = await this.#negotiate()
      if (negotiated !== undefined && !negotiated.export.shuttingDown && !this.#dropped) {
        used = negotiated.export
        used.addClient(this)
        await this.#serve(negotiated)
      }
    } finally {
      this.drop()
      while (this.#running > 0) await this.#oneDone()
      used?.removeClient(this)
      this.#becomeIdle()
    }
  }

  drop(): void {
    if (this.#dropped) return
    this.#dropped = true
    this.resume()
    this.#stream.destroy()
    this.#reader.finish()
  }

  hold(): void {
    this.#gate.close()
  }

  resume(): void {
    this.#gate.open()
  }

  async #negotiate(): Promise<Negotiated<NbdExport> | undefined> {
    try {
      const agreed = await negotiateAsServer(this.#stream, this.#reader, this.#catalogue)
      if (agreed === undefined) this.#leave()
      return agreed
    } catch (error) {
      if (!(error instanceof NegotiationFailed) && !(error instanceof StreamEnded)) throw error
      if (!this.#dropped) this.#log(`option negotiation failed: ${error.message}`)
      this.#leave()
      return undefined
    }
  }

  /** Closes the stream so that what was written still arrives. */
  #leave(): void {
    this.#stream.end()
    this.drop()
  }

  async #serve(negotiated: Negotiated<NbdExport>): Promise<void> {
    const writer = new ReplyWriter(this.#stream, negotiated.structured)
    try {
      for (;;) {
        while (this.#running >= MAX_REQUESTS) await this.#oneDone()
        const request = await this.#receive(negotiated, writer)
        while (this.#gate.waiting !== undefined) await this.#gate.waiting
        if (request === 'leave') return
        if (request !== 'refused') this.#start(request, negotiated, writer)
      }
    } catch (error) {
      if (error instanceof StreamEnded) {
        if (this.#reader.unread > 0 && !this.#dropped) {
          this.#logDisconnect('Unexpected end-of-file before all bytes were read')
        }
      } else if (error instanceof ClientFailed) {
        this.#logDisconnect(error.message)
        this.#leave()
      } else {
        throw error
      }
    }
  }

  /** The next request with its data. One that can be refused at once is, and is not returned. */
  async #receive(
    negotiated: Negotiated<NbdExport>,
    writer: ReplyWriter,
  ): Promise<NbdRequest | 'refused' | 'leave'> {
    const header = REQUEST.decode(await this.#reader.read(REQUEST.size))
    if (header.magic !== REQUEST_MAGIC) {
      const text = `invalid magic (got 0x${header.magic.toString(16)})`
      await writer.error(header.cookie, 'EINVAL', text)
      throw new ClientFailed('Request handling failed in intermediate state')
    }
    if (header.type === COMMAND.disconnect) return 'leave'
    const tooLong = header.bytes > MAX_PAYLOAD_BYTES
    const hasData = header.type === COMMAND.write
    const data = hasData && !tooLong ? await this.#reader.read(header.bytes) : NO_DATA
    const problem = requestProblem(header, negotiated)
    if (problem !== undefined) {
      await writer.error(header.cookie, 'EINVAL', problem)
      // The data that we did not take would be read as requests.
      if (hasData && tooLong) {
        throw new ClientFailed('Request handling failed in intermediate state')
      }
      return 'refused'
    }
    return { ...header, offset: Number(header.offset), data }
  }

  #start(request: NbdRequest, negotiated: Negotiated<NbdExport>, writer: ReplyWriter): void {
    this.#running += 1
    answer(request, negotiated, writer)
      .catch((error: unknown) => {
        if (!(error instanceof ClientFailed)) throw error
        if (!this.#dropped) this.#logDisconnect(error.message)
        this.drop()
      })
      .finally(() => {
        this.#running -= 1
        const wake = this.#wake
        this.#wake = undefined
        wake?.()
      })
      // What is no failure of the client is a bug of ours, and stops the program.
      .catch((error: unknown) => {
        queueMicrotask(() => {
          throw error
        })
      })
  }

  #oneDone(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #logDisconnect(reason: string): void {
    this.#log(`Disconnect client, due to: ${reason}`)
  }
}
