/**
 * Cuts bytes into JSON tokens as QEMU does, which shows in its error texts: a token that cannot go
 * on swallows the byte that broke it, and everything up to the end of the line or the next
 * structural character is then skipped.
 */
import { decodeUtf8 } from './utf8.ts'

export type TokenKind = '{' | '}' | '[' | ']' | ':' | ',' | 'string' | 'number' | 'keyword'

/** Gets what was found, in order. */
export interface TokenSink {
  /** The token is what lies from `from` up to `to`; only this call may read it. */
  token(kind: TokenKind, bytes: Buffer, from: number, to: number): void
  /** These bytes begin no token. */
  stray(text: string): void
  /** The token under way has this many bytes; true drops it. */
  tooLong(bytes: number): boolean
}

type State =
  | 'start'
  | 'recovery'
  | 'double'
  | 'double-escape'
  | 'single'
  | 'single-escape'
  | 'minus'
  | 'zero'
  | 'digits'
  | 'point'
  | 'fraction'
  | 'e'
  | 'e-sign'
  | 'exponent'
  | 'keyword'

/** What a byte does in a state. `done` ends the token before the byte, `last` after it. */
type Move = State | 'done' | 'last' | 'error' | 'skip'

const STRUCTURAL = '{}[]:,'
const MOVES: Readonly<Record<State, readonly Move[]>> = {
  start: table('error', [
    [' \t\n\r', 'skip'],
    [STRUCTURAL, 'last'],
    ['"', 'double'],
    ["'", 'single'],
    ['-', 'minus'],
    ['0', 'zero'],
    ['1-9', 'digits'],
    ['a-z', 'keyword'],
  ]),
  recovery: table('error', [
    [' -\u00fd', 'skip'],
    ['\t', 'skip'],
    ['\n\r', 'start'],
    [STRUCTURAL, 'done'],
  ]),
  double: stringTable('"', 'double', 'double-escape'),
  single: stringTable("'", 'single', 'single-escape'),
  'double-escape': table('error', [[' -\u00fd', 'double']]),
  'single-escape': table('error', [[' -\u00fd', 'single']]),
  minus: table('error', [
    ['0', 'zero'],
    ['1-9', 'digits'],
  ]),
  // As QEMU has it: a plain zero takes no exponent.
  zero: table('done', [
    ['0-9', 'error'],
    ['.', 'point'],
  ]),
  digits: table('done', [
    ['0-9', 'digits'],
    ['.', 'point'],
    ['eE', 'e'],
  ]),
  point: table('error', [['0-9', 'fraction']]),
  fraction: table('done', [
    ['0-9', 'fraction'],
    ['eE', 'e'],
  ]),
  e: table('error', [
    ['+', 'e-sign'],
    ['-', 'e-sign'],
    ['0-9', 'exponent'],
  ]),
  'e-sign': table('error', [['0-9', 'exponent']]),
  exponent: table('done', [['0-9', 'exponent']]),
  keyword: table('done', [['a-z', 'keyword']]),
}

/** A move for each byte; `a-z` in a rule is a range. */
function table(other: Move, rules: readonly (readonly [string, Move])[]): Move[] {
  const moves = Array.from<Move>({ length: 256 }).fill(other)
  for (const [bytes, move] of rules) {
    const range = bytes.length === 3 && bytes[1] === '-'
    const codes = range
      ? between(bytes.charCodeAt(0), bytes.charCodeAt(2))
      : Array.from(bytes, (character) => character.charCodeAt(0))
    for (const code of codes) moves[code] = move
  }
  return moves
}

function between(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function stringTable(quote: string, inside: State, escape: State): Move[] {
  return table('error', [
    [' -\u00fd', inside],
    ['\\', escape],
    [quote, 'last'],
  ])
}

const KINDS: Readonly<Partial<Record<State, TokenKind>>> = {
  double: 'string',
  single: 'string',
  zero: 'number',
  digits: 'number',
  fraction: 'number',
  exponent: 'number',
  keyword: 'keyword',
}

export class Lexer {
  readonly #sink: TokenSink
  #state: State = 'start'
  /** Room for the part of the current token that came in earlier chunks. */
  #buffer = Buffer.alloc(0)
  #bufferedBytes = 0

  constructor(sink: TokenSink) {
    this.#sink = sink
  }

  push(pushed: Uint8Array): void {
    const chunk = asBuffer(pushed)
    let start = 0
    let offset = 0
    while (offset < chunk.length) {
      const byte = chunk[offset] ?? 0
      const state: State = this.#state
      const move: Move = MOVES[state][byte] ?? 'error'
      if (move === 'skip') {
        offset += 1
        start = offset
      } else if (move === 'done') {
        if (state !== 'recovery') this.#finish(state, chunk, start, offset)
        this.#state = 'start'
        start = offset
      } else if (move === 'last' || move === 'error') {
        offset += 1
        this.#state = move === 'last' ? 'start' : 'recovery'
        if (move === 'last') this.#finish(state, chunk, start, offset)
        else this.#sink.stray(strayText(this.#take(chunk.subarray(start, offset))))
        start = offset
      } else {
        this.#state = move
        offset += 1
        if (move === 'start') start = offset
      }
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
  }

  /** No more will come: the token under way ends here, whole or not. */
  end(): void {
    const state = this.#state
    this.#state = 'start'
    if (this.#bufferedBytes === 0) return
    const bytes = this.#take(new Uint8Array(0))
    if (KINDS[state] !== undefined && MOVES[state][0] === 'done') {
      this.#finish(state, asBuffer(bytes), 0, bytes.length)
    } else this.#sink.stray(strayText(bytes))
  }

  /** A view of each token would take longer than the token. */
  #finish(state: State, chunk: Buffer, start: number, end: number): void {
    if (this.#bufferedBytes === 0) {
      this.#sink.token(KINDS[state] ?? structural(chunk, start), chunk, start, end)
      return
    }
    const token = asBuffer(this.#take(chunk.subarray(start, end)))
    this.#sink.token(KINDS[state] ?? structural(token, 0), token, 0, token.length)
  }

  /** The whole token, of which `last` is the part in this chunk. */
  #take(last: Uint8Array): Uint8Array {
    if (this.#bufferedBytes === 0) return last
    this.#append(last)
    const token = this.#buffer.subarray(0, this.#bufferedBytes)
    this.#drop()
    return token
  }

  #keep(piece: Uint8Array): void {
    this.#append(piece)
    if (!this.#sink.tooLong(this.#bufferedBytes)) return
    this.#drop()
    this.#state = 'recovery'
  }

  #append(piece: Uint8Array): void {
    const bytes = this.#bufferedBytes + piece.length
    if (bytes > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(256, bytes, 2 * this.#buffer.length))
      larger.set(this.#buffer.subarray(0, this.#bufferedBytes))
      this.#buffer = larger
    }
    this.#buffer.set(piece, this.#bufferedBytes)
    this.#bufferedBytes = bytes
  }

  #drop(): void {
    // A large buffer goes; a small one serves again once its token was read.
    if (this.#buffer.length > LARGE_BUFFER) this.#buffer = Buffer.alloc(0)
    this.#bufferedBytes = 0
  }
}

const LARGE_BUFFER = 1 << 16

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function structural(bytes: Uint8Array, at: number): TokenKind {
  return String.fromCharCode(bytes[at] ?? 0) as TokenKind
}

/** QEMU prints the bytes as a C string, which a NUL ends. */
function strayText(token: Uint8Array): string {
  const nul = token.indexOf(0)
  return decodeUtf8(nul === -1 ? token : token.subarray(0, nul)).text
}
