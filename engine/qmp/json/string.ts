/** The text of a string token: escapes and UTF-8, with QEMU's complaints. */
import { BlockError } from '../../util/errors.ts'
import { decodeUtf8, isCharacter } from './utf8.ts'

const BACKSLASH = 0x5c
const LETTER_U = 0x75

/** What `\x` means, by the code of `x`; `\u` apart. */
const ESCAPES: ReadonlyMap<number, string> = new Map(
  Object.entries({
    '"': '"',
    "'": "'",
    '\\': '\\',
    '/': '/',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
  }).map(([letter, meaning]) => [letter.charCodeAt(0), meaning]),
)

/**
 * The text of the string that lies from `from` up to `to`, with both its quotes.
 *
 * @throws {BlockError} which names the first thing that is wrong in it.
 */
export function unescape(bytes: Buffer, from: number, to: number): string {
  // Nearly all that clients send is a few letters without an escape.
  if (isPlain(bytes, from, to)) return bytes.toString('latin1', from + 1, to - 1)
  return unescapeAll(bytes.subarray(from, to))
}

/** Walks by index: an iterator costs more than all the rest, and there is a string at every turn. */
function isPlain(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte >= 0x80 || byte === BACKSLASH) return false
  }
  return true
}

function unescapeAll(token: Uint8Array): string {
  const end = token.length - 1
  const parts: string[] = []
  let offset = 1
  while (offset < end) {
    if (token[offset] !== BACKSLASH) {
      const next = token.indexOf(BACKSLASH, offset)
      const stop = next === -1 ? end : next
      parts.push(plain(token.subarray(offset, stop)))
      offset = stop
    } else if (token[offset + 1] === LETTER_U) {
      const { text, bytes } = unicodeEscape(token, offset)
      parts.push(text)
      offset += bytes
    } else {
      const meaning = ESCAPES.get(token[offset + 1] ?? 0)
      if (meaning === undefined) throw failure('invalid escape sequence in string')
      parts.push(meaning)
      offset += 2
    }
  }
  return parts.join('')
}

function plain(bytes: Uint8Array): string {
  const { text, valid } = decodeUtf8(bytes)
  if (!valid) throw failure('invalid UTF-8 sequence in string')
  return text
}

/** Bytes of `\uHHHH`. */
const UNICODE_ESCAPE_BYTES = 6

function unicodeEscape(token: Uint8Array, offset: number): { text: string; bytes: number } {
  const first = hexAt(token, offset)
  let bytes = UNICODE_ESCAPE_BYTES
  let codePoint = first
  if (first !== undefined && first >= 0xd800 && first <= 0xdbff) {
    const second = hexAt(token, offset + UNICODE_ESCAPE_BYTES)
    if (second !== undefined && second >= 0xdc00 && second <= 0xdfff) {
      codePoint = 0x1_0000 + (first - 0xd800) * 0x400 + (second - 0xdc00)
      bytes *= 2
    }
  }
  if (codePoint === undefined || !isCharacter(codePoint)) {
    const { text } = decodeUtf8(token.subarray(offset, offset + bytes))
    throw failure(`${text} is not a valid Unicode character`)
  }
  return { text: String.fromCodePoint(codePoint), bytes }
}

function hexAt(token: Uint8Array, offset: number): number | undefined {
  if (token[offset] !== BACKSLASH || token[offset + 1] !== LETTER_U) return undefined
  const digits = String.fromCharCode(...token.subarray(offset + 2, offset + UNICODE_ESCAPE_BYTES))
  return /^[0-9a-fA-F]{4}$/.test(digits) ? parseInt(digits, 16) : undefined
}

/** A complaint about what came off the wire. */
export function failure(what: string): BlockError {
  return new BlockError(`JSON parse error, ${what}`)
}
