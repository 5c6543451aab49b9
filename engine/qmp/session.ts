/**
 * One client on one byte stream: greets, takes values off the stream, has them answered strictly in
 * order, and passes events on once the client has negotiated. Requests that ask to go out of band
 * are answered before those that wait.
 */
import type { ByteStream } from '../host/host.ts'
import type { MaybePromise } from '../util/async.ts'
import type { BlockError } from '../util/errors.ts'
import type { Json } from '../util/json.ts'
import { printJson } from '../util/json.ts'
import type { Answer } from './dispatch.ts'
import { errorAnswer } from './dispatch.ts'
import { isOutOfBand } from './envelope.ts'
import type { QmpEvent } from './events.ts'
import { JsonParser } from './json/parser.ts'
import type { Phase } from './negotiation.ts'
import { VERSION } from './version.ts'

/** What a command may know and change of the session that it came by. */
export interface MonitorState {
  /** Answers are printed with a line for each member. */
  readonly pretty: boolean
  readonly phase: Phase
  readonly oobEnabled: boolean
  negotiate(capabilities: { readonly oob: boolean }): void
}

export interface SessionOptions {
  readonly pretty: boolean
  /** Runs one request; sessions of one engine take turns. */
  readonly answer: (value: Json, monitor: MonitorState) => Promise<Answer>
  /** An answer was written. */
  readonly answered: () => void
  readonly closed: () => void
}

/** Answers and events that a client may leave unread before it is dropped. */
const MAX_UNREAD = 1 << 16

export class Session implements MonitorState {
  readonly #stream: ByteStream
  readonly #options: SessionOptions
  readonly #parser: JsonParser
  /** What came in and was not answered yet. */
  #queue: (Json | { readonly error: BlockError })[] = []
  #working = false
  #closed = false
  #unread = 0
  readonly pretty: boolean
  phase: Phase = 'negotiating'
  oobEnabled = false

  constructor(stream: ByteStream, options: SessionOptions) {
    this.#stream = stream
    this.#options = options
    this.pretty = options.pretty
    this.#parser = new JsonParser({
      value: (value) => this.#take(value),
      error: (error) => this.#take({ error }),
    })
    stream.onEnd(() => this.close())
    stream.onData((chunk) => this.#receive(chunk))
    void this.#send({ QMP: { version: VERSION, capabilities: ['oob'] } })
  }

  negotiate(capabilities: { readonly oob: boolean }): void {
    this.phase = 'serving'
    this.oobEnabled = capabilities.oob
  }

  notify(event: QmpEvent): void {
    if (this.phase === 'serving') void this.#send(event)
  }

  /** What was answered still goes out. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#queue = []
    this.#stream.end()
    this.#options.closed()
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closed) return
    this.#parser.push(chunk)
    if (this.#queue.length === 0) return
    // Nothing more is read until all of this is answered.
    this.#stream.pause()
    if (!this.#working) void this.#work()
  }

  #take(item: Json | { readonly error: BlockError }): void {
    const urgent = this.oobEnabled && !isError(item) && isOutOfBand(item)
    if (urgent) void this.#options.answer(item, this).then((answer) => this.#send(answer))
    else this.#queue.push(item)
  }

  async #work(): Promise<void> {
    this.#working = true
    for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) {
      const answer = isError(item)
        ? errorAnswer(item.error)
        : await this.#options.answer(item, this)
      await this.#send(answer)
      this.#options.answered()
    }
    this.#working = false
    if (!this.#closed) this.#stream.resume()
  }

  #send(value: unknown): MaybePromise<void> {
    if (this.#closed) return
    this.#unread += 1
    if (this.#unread > MAX_UNREAD) {
      this.#stream.destroy()
      this.close()
      return
    }
    const text = printJson(value, { pretty: this.pretty })
    const lines = this.pretty ? text.replaceAll('\n', '\r\n') : text
    const sent = this.#stream.write(Buffer.from(`${lines}\r\n`))
    if (!(sent instanceof Promise)) {
      this.#unread = 0
      return
    }
    return sent.then(() => {
      this.#unread = 0
    })
  }
}

function isError(
  item: Json | { readonly error: BlockError },
): item is { readonly error: BlockError } {
  return typeof item === 'object' && item !== null && 'error' in item
}
