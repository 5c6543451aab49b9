/**
 * Cuts a QMP byte stream into JSON texts. Messages may stand on one line or on many; what is not an
 * object, or grows beyond the limit, is an error at once, so that a target that speaks garbage
 * or floods its output costs neither memory nor time.
 */

/** The target's output is not a stream of JSON objects, or there is too much of it. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
}

export interface FramingLimits {
  /** Longest single message. */
  readonly messageBytes: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

/** Collects chunks and hands out each whole top-level object as text. */
export class Framer {
  readonly #limits: FramingLimits
  #pending: Uint8Array = new Uint8Array(0)
  #scanned = 0
  #depth = 0
  #inString = false
  #escaped = false
  #start = 0
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })

  constructor(limits: FramingLimits) {
    this.#limits = limits
  }

  /** @throws {StreamError} */
  push(chunk: Uint8Array): string[] {
    this.#append(chunk)
    const messages: string[] = []
    const bytes = this.#pending
    while (this.#scanned < bytes.length) {
      if (this.#depth === 0) this.#between(bytes[this.#scanned] ?? 0)
      else if (this.#reachEnd(bytes)) messages.push(this.#cut(this.#scanned + 1))
      else break
      this.#scanned += 1
    }
    if (this.#depth === 0) {
      this.#pending = new Uint8Array(0)
      this.#scanned = 0
    } else if (bytes.length - this.#start > this.#limits.messageBytes) {
      throw new StreamError(`a message is longer than ${String(this.#limits.messageBytes)} bytes`)
    }
    return messages
  }

  #append(chunk: Uint8Array): void {
    if (this.#pending.length === 0) {
      this.#pending = chunk
      return
    }
    const kept = this.#pending.subarray(this.#start)
    const joined = new Uint8Array(kept.length + chunk.length)
    joined.set(kept)
    joined.set(chunk, kept.length)
    this.#scanned -= this.#start
    this.#start = 0
    this.#pending = joined
  }

  #between(byte: number): void {
    if (byte === OPEN) {
      this.#depth = 1
      this.#start = this.#scanned
    } else if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
      throw new StreamError(`not QMP: ${this.#sample()}`)
    }
  }

  /** Goes on to the byte that ends the message, or past the last one there is. */
  #reachEnd(bytes: Uint8Array): boolean {
    let depth = this.#depth
    let inString = this.#inString
    let at = this.#scanned
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at]
      if (inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE) inString = true
      else if (byte === OPEN || byte === 0x5b) depth += 1
      else if (byte === CLOSE || byte === 0x5d) {
        depth -= 1
        if (depth === 0) break
      }
    }
    this.#depth = depth
    this.#inString = inString
    this.#scanned = at
    return depth === 0
  }

  #cut(end: number): string {
    try {
      return this.#decoder.decode(this.#pending.subarray(this.#start, end))
    } catch {
      throw new StreamError('a message is not UTF-8')
    }
  }

  #sample(): string {
    const bytes = this.#pending.subarray(this.#scanned, this.#scanned + 40)
    return JSON.stringify(new TextDecoder().decode(bytes))
  }
}
