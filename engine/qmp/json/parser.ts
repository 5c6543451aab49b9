/**
 * Values from a byte stream: several on a line or one over many, whole numbers exact, and for bad
 * input QEMU's error texts and its way of going on. A message's first error is told when its
 * brackets balance; bytes that form no token, and broken limits, are told at once.
 */
import { BlockError } from '../../util/errors.ts'
import type { Json } from '../../util/json.ts'
import type { TokenKind } from './lexer.ts'
import { Lexer } from './lexer.ts'
import { parseNumber } from './number.ts'
import { failure, unescape } from './string.ts'

/** Gets each value, or what was wrong with it, in the order of the stream. */
export interface JsonSink {
  value(value: Json): void
  error(error: BlockError): void
}

/** What one message may have, counted over its tokens. */
const MAX_DEPTH = 1024
const MAX_TOKENS = 2 << 20
const MAX_BYTES = 64 << 20

const KEYWORDS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['true', true],
  ['false', false],
  ['null', null],
])

type Container = {
  /** It stands where a key must: it is read to its end and then refused. */
  readonly asKey: boolean
} & (
  | { readonly kind: 'list'; readonly values: Json[] }
  | { readonly kind: 'object'; readonly members: Map<string, Json>; key: string }
)

/** What must come next inside a container; `first` may also be its end. */
type Expects = 'first' | 'value' | 'key' | 'colon' | 'separator'

export class JsonParser {
  readonly #sink: JsonSink
  readonly #lexer: Lexer
  #tokens = 0
  #bytes = 0
  #braces = 0
  #brackets = 0
  #stack: Container[] = []
  #expects: Expects = 'value'
  /** The first thing wrong with this message; what follows is only counted. */
  #wrong: BlockError | undefined
  #done: Json | undefined

  constructor(sink: JsonSink) {
    this.#sink = sink
    this.#lexer = new Lexer({
      token: (kind, bytes, from, to) => this.#token(kind, bytes, from, to),
      stray: (text) => this.#abandon(failure(`stray '${text}'`)),
      tooLong: (bytes) => this.#isTooLong(bytes),
    })
  }

  push(chunk: Uint8Array): void {
    this.#lexer.push(chunk)
  }

  /** No more will come: a value that is not whole by now is an error. */
  end(): void {
    this.#lexer.end()
    if (this.#tokens === 0) return
    this.#wrong ??= failure('premature EOI')
    this.#end()
  }

  #token(kind: TokenKind, bytes: Buffer, from: number, to: number): void {
    if (kind === '{') this.#braces += 1
    if (kind === '}') this.#braces -= 1
    if (kind === '[') this.#brackets += 1
    if (kind === ']') this.#brackets -= 1
    this.#tokens += 1
    this.#bytes += to - from
    const limit = this.#brokenLimit()
    if (limit !== undefined) {
      this.#abandon(new BlockError(`JSON ${limit} limit exceeded`))
      return
    }
    if (this.#wrong === undefined) this.#parse(kind, bytes, from, to)
    const open = this.#braces > 0 || this.#brackets > 0
    if (this.#braces >= 0 && this.#brackets >= 0 && open) return
    this.#end()
  }

  #brokenLimit(): string | undefined {
    if (this.#bytes > MAX_BYTES) return 'token size'
    if (this.#tokens > MAX_TOKENS) return 'token count'
    if (this.#braces + this.#brackets > MAX_DEPTH) return 'nesting depth'
    return undefined
  }

  #isTooLong(bytes: number): boolean {
    if (this.#bytes + bytes <= MAX_BYTES) return false
    this.#abandon(new BlockError('JSON token size limit exceeded'))
    return true
  }

  #end(): void {
    const value = this.#done
    const wrong = this.#wrong
    this.#reset()
    if (wrong !== undefined) this.#sink.error(wrong)
    else if (value !== undefined) this.#sink.value(value)
  }

  #abandon(error: BlockError): void {
    this.#reset()
    this.#sink.error(error)
  }

  #reset(): void {
    this.#tokens = 0
    this.#bytes = 0
    this.#braces = 0
    this.#brackets = 0
    this.#stack = []
    this.#expects = 'value'
    this.#wrong = undefined
    this.#done = undefined
  }

  #parse(kind: TokenKind, bytes: Buffer, from: number, to: number): void {
    try {
      this.#advance(kind, bytes, from, to)
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      this.#wrong = error
      this.#stack = []
    }
  }

  #advance(kind: TokenKind, bytes: Buffer, from: number, to: number): void {
    const container = this.#stack.at(-1)
    if (this.#expects === 'colon') {
      if (kind !== ':') throw failure('missing : in object pair')
      this.#expects = 'value'
      return
    }
    const end = container?.kind === 'list' ? ']' : '}'
    if (this.#expects === 'separator') {
      if (kind === end) this.#close()
      else if (kind === ',') this.#expects = container?.kind === 'list' ? 'value' : 'key'
      else throw failure(`expected separator in ${container?.kind === 'list' ? 'list' : 'dict'}`)
      return
    }
    if (this.#expects === 'first') {
      if (kind === end) {
        this.#close()
        return
      }
      this.#expects = container?.kind === 'list' ? 'value' : 'key'
    }
    this.#begin(kind, bytes, from, to)
  }

  /** A token where a value, or a key, must begin. */
  #begin(kind: TokenKind, bytes: Buffer, from: number, to: number): void {
    if (kind === '{' || kind === '[') {
      const asKey = this.#expects === 'key'
      this.#stack.push(
        kind === '['
          ? { kind: 'list', asKey, values: [] }
          : { kind: 'object', asKey, members: new Map(), key: '' },
      )
      this.#expects = 'first'
    } else if (kind === 'string') this.#complete(unescape(bytes, from, to))
    else if (kind === 'number') this.#complete(parseNumber(bytes.toString('latin1', from, to)))
    else if (kind === 'keyword') this.#complete(keyword(bytes.toString('latin1', from, to)))
    else throw failure('expecting value')
  }

  #close(): void {
    const container = this.#stack.pop()
    if (container === undefined) return
    this.#expects = container.asKey ? 'key' : 'value'
    this.#complete(container.kind === 'list' ? container.values : container.members)
  }

  /** A whole value, or key, was read. */
  #complete(value: Json): void {
    const container = this.#stack.at(-1)
    if (container === undefined) {
      this.#done = value
      return
    }
    if (this.#expects === 'key') {
      if (typeof value !== 'string') throw failure('key is not a string in object')
      if (container.kind === 'object') container.key = value
      this.#expects = 'colon'
      return
    }
    if (container.kind === 'list') container.values.push(value)
    else {
      if (container.members.has(container.key)) throw failure('duplicate key')
      container.members.set(container.key, value)
    }
    this.#expects = 'separator'
  }
}

function keyword(text: string): Json {
  const value = KEYWORDS.get(text)
  if (value === undefined) throw failure(`invalid keyword '${text}'`)
  return value
}
