/** The data of one option or of one reply, taken apart piece by piece. */
import { MAX_STRING_BYTES } from './limits.ts'
import { decodeText } from './text.ts'
import { LONG, WORD } from './wire.ts'

/** The data ends before what its own lengths promise. */
export class Inconsistent extends Error {
  override readonly name = 'Inconsistent'
}

/** A name is longer than the protocol allows. */
export class NameTooLong extends Error {
  override readonly name = 'NameTooLong'
  readonly bytes: number

  constructor(bytes: number) {
    super(`name of ${String(bytes)} bytes`)
    this.bytes = bytes
  }
}

export class OptionData {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(bytes: number): Uint8Array {
    if (bytes > this.left) throw new Inconsistent('the data is shorter than it says')
    this.#at += bytes
    return this.#bytes.subarray(this.#at - bytes, this.#at)
  }

  word(): number {
    return WORD.decode(this.take(WORD.size)).value
  }

  long(): number {
    return LONG.decode(this.take(LONG.size)).value
  }

  /** A 32-bit length and as many bytes of text. */
  exportName(): string {
    const bytes = this.long()
    if (bytes > MAX_STRING_BYTES) throw new NameTooLong(bytes)
    return decodeText(this.take(bytes))
  }

  rest(): Uint8Array {
    return this.take(this.left)
  }
}
