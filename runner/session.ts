/**
 * One QMP connection as the runner uses it: commands with ids, an ordered record of events, fences,
 * and waiting for what has not come yet. Every wait ends: with the answer, at its deadline, or
 * when the target is gone.
 */
import type { ByteStream, Clock } from '../engine/index.ts'
import type { Value } from '../dsl/plan.ts'
import { Framer, StreamError } from './framing.ts'
import { isMap, member, parseJson, printJson, text } from './json.ts'

export interface QmpEvent {
  readonly name: string
  readonly data: Value
  /** Position in the stream of all events. */
  readonly index: number
}

export type Reply = {
  /** What came back as id, where it is not the runner's own. */
  readonly id?: Value
} & (
  | { readonly kind: 'return'; readonly value: Value }
  | { readonly kind: 'error'; readonly class: string; readonly desc: string }
)

/** The target did not answer in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** The connection ended, or what came over it is no QMP. */
export class GoneError extends Error {
  override readonly name = 'GoneError'
  /** `garbage` when the target lives but cannot be understood. */
  readonly reason: 'closed' | 'garbage' | 'flood'

  constructor(message: string, reason: 'closed' | 'garbage' | 'flood') {
    super(message)
    this.reason = reason
  }
}

/** Answers of one raw exchange: every reply that came before the fence's. */
export type RawReplies = readonly Reply[]

export const LIMITS = {
  messageBytes: 32 * 2 ** 20,
  /** Events that a step may cause before it is called a flood. */
  events: 20_000,
  /** Messages that the dump of a failure shows. */
  recent: 50,
}

/** Every case ends with it, mostly unread: made once, as errors are dear. */
const CLOSED = new GoneError('the runner closed the QMP connection', 'closed')

interface Waiter {
  check(): boolean
  fail(error: Error): void
}

export class Session {
  readonly #stream: ByteStream
  readonly #clock: Clock
  readonly #fence: (() => Promise<void>) | undefined
  readonly #framer = new Framer(LIMITS)
  readonly #replies = new Map<string, Reply>()
  /** Replies whose id is not ours, since the last fence. */
  #strays: Reply[] = []
  readonly #commands = new Map<string, string>()
  readonly #events: QmpEvent[] = []
  readonly #recent: string[] = []
  readonly #waiters = new Set<Waiter>()
  #eventsSinceMark = 0
  #greeting: Value | undefined
  #gone: GoneError | undefined
  #serial = 0

  /** @param fence - What tells, without a command, that all has arrived. */
  constructor(stream: ByteStream, clock: Clock, fence?: () => Promise<void>) {
    this.#stream = stream
    this.#clock = clock
    this.#fence = fence
    stream.onData((chunk) => {
      this.#receive(chunk)
    })
    stream.onEnd(() => {
      this.#end(new GoneError('the target closed the QMP connection', 'closed'))
    })
  }

  /** Waits for the greeting and leaves negotiation mode. */
  async negotiate(withinMs: number): Promise<Value> {
    await this.waitFor(() => this.#greeting !== undefined, withinMs, 'the QMP greeting')
    const greeting = this.#greeting ?? null
    const offered = member(member(greeting, 'QMP'), 'capabilities')
    const oob = Array.isArray(offered) && offered.includes('oob')
    const reply = await this.command(
      'qmp_capabilities',
      oob ? { enable: ['oob'] } : undefined,
      withinMs,
    )
    if (reply.kind === 'error') {
      throw new GoneError(`qmp_capabilities failed: ${reply.desc}`, 'garbage')
    }
    return greeting
  }

  /** All events so far, oldest first. */
  get events(): readonly QmpEvent[] {
    return this.#events
  }

  get gone(): GoneError | undefined {
    return this.#gone
  }

  /** The last messages both ways, and commands without an answer. */
  dump(): string {
    const waiting = [...this.#commands.values()].map((name) => `  waiting for: ${name}`)
    return [...waiting, ...this.#recent.map((line) => `  ${line.trimEnd()}`)].join('\n')
  }

  /** Starts the count by which a flood of events is noticed. */
  mark(): void {
    this.#eventsSinceMark = 0
  }

  async command(
    name: string,
    args: Value | undefined,
    withinMs: number,
    oob = false,
  ): Promise<Reply> {
    const id = this.#nextId()
    this.#commands.set(id, name)
    const message: Record<string, Value> = { [oob ? 'exec-oob' : 'execute']: name }
    if (args !== undefined) message['arguments'] = args
    message['id'] = id
    this.#write(`${printJson(message)}\n`)
    await this.waitFor(() => this.#replies.has(id), withinMs, `an answer to ${name}`)
    const reply = this.#replies.get(id)
    this.#replies.delete(id)
    if (reply === undefined) throw new GoneError(`no answer to ${name}`, 'closed')
    return reply
  }

  /** Sends text as it is; returns what was answered to it before the fence. */
  async raw(bytes: string, withinMs: number): Promise<RawReplies> {
    this.#strays = []
    this.#write(bytes.endsWith('\n') ? bytes : `${bytes}\n`)
    await this.#ask(withinMs)
    const replies = this.#strays
    this.#strays = []
    return replies
  }

  /** Everything that earlier commands caused synchronously has arrived when this returns. */
  async fence(withinMs: number): Promise<void> {
    // Commands under way are on the wire, and only what follows them there waits for them.
    if (this.#fence === undefined || this.#commands.size > 0) return this.#ask(withinMs)
    let passed = false
    void this.#fence().then(() => {
      passed = true
      this.#wake()
    })
    await this.waitFor(() => passed, withinMs, 'the end of what was asked')
  }

  /** The fence of any target: a command, which is answered after those before it. */
  async #ask(withinMs: number): Promise<void> {
    await this.command('query-version', undefined, withinMs)
  }

  /** Waits until `done` holds; it is looked at after each message. */
  waitFor(done: () => boolean, withinMs: number, what: string): Promise<void> {
    if (done()) return Promise.resolve()
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        this.#waiters.delete(waiter)
        timer.cancel()
        act()
      }
      const waiter: Waiter = {
        check: () => {
          if (!done()) return false
          finish(resolve)
          return true
        },
        fail: (error) => {
          finish(() => {
            reject(error)
          })
        },
      }
      const timer = this.#clock.after(withinMs * 1e6, () => {
        waiter.fail(new DeadlineError(`no sign of ${what} within ${String(withinMs)} ms`))
      })
      this.#waiters.add(waiter)
    })
  }

  close(): void {
    this.#stream.destroy()
    this.#end(CLOSED)
  }

  #nextId(): string {
    this.#serial += 1
    return `b${String(this.#serial)}`
  }

  #write(line: string): void {
    this.#remember(`-> ${line}`)
    if (this.#gone !== undefined) throw this.#gone
    // Requests are few and small; the peer's buffer takes them.
    void this.#stream.write(Buffer.from(line))
  }

  #remember(line: string): void {
    this.#recent.push(line.length > 400 ? `${line.slice(0, 400)}…` : line)
    if (this.#recent.length > LIMITS.recent) this.#recent.shift()
  }

  #receive(chunk: Uint8Array): void {
    if (this.#gone !== undefined) return
    try {
      for (const message of this.#framer.push(chunk)) this.#take(message)
    } catch (error) {
      if (!(error instanceof StreamError || error instanceof GoneError)) throw error
      const gone =
        error instanceof GoneError
          ? error
          : new GoneError(`the target speaks garbage: ${error.message}`, 'garbage')
      this.#stream.destroy()
      this.#end(gone)
      return
    }
    this.#wake()
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter.check()
  }

  #take(message: string): void {
    this.#remember(`<- ${message}`)
    let value: Value
    try {
      value = parseJson(message)
    } catch {
      throw new StreamError(`not JSON: ${JSON.stringify(message.slice(0, 80))}`)
    }
    const event = text(member(value, 'event'))
    if (event !== undefined) {
      this.#takeEvent(event, member(value, 'data') ?? {})
    } else if (member(value, 'QMP') !== undefined && this.#greeting === undefined) {
      this.#greeting = value
    } else {
      this.#takeReply(value, message)
    }
  }

  #takeEvent(name: string, data: Value): void {
    this.#eventsSinceMark += 1
    if (this.#eventsSinceMark > LIMITS.events) {
      throw new GoneError(`the target floods: over ${String(LIMITS.events)} events`, 'flood')
    }
    this.#events.push({ name, data, index: this.#events.length })
  }

  #takeReply(value: Value, message: string): void {
    const id = member(value, 'id')
    const failure = member(value, 'error')
    const result = member(value, 'return')
    if (failure === undefined && result === undefined) {
      throw new StreamError(`neither reply nor event: ${JSON.stringify(message.slice(0, 80))}`)
    }
    const reply: Reply =
      failure === undefined
        ? { kind: 'return', value: result ?? null }
        : {
            kind: 'error',
            class: isMap(failure) ? (text(member(failure, 'class')) ?? '') : '',
            desc: text(member(failure, 'desc')) ?? '',
          }
    if (typeof id === 'string' && this.#commands.delete(id)) this.#replies.set(id, reply)
    else this.#strays.push(id === undefined ? reply : { ...reply, id })
    if (this.#strays.length > 1000) {
      throw new GoneError('the target floods: over 1000 replies that nobody asked for', 'flood')
    }
  }

  #end(error: GoneError): void {
    if (this.#gone !== undefined) return
    this.#gone = error
    for (const waiter of [...this.#waiters]) if (!waiter.check()) waiter.fail(error)
  }
}
