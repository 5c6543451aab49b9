/** Exact numbers of bytes out of a stream that delivers them in pieces of its own choosing. */
import { assert } from '../util/assert.ts'
import type { MaybePromise } from '../util/async.ts'
import type { ByteStream } from '../host/host.ts'
import { MAX_UNREAD_BYTES } from './limits.ts'

/** The stream ended before all that was asked for had come. */
export class StreamEnded extends Error {
  override readonly name = 'StreamEnded'
}

const END_TEXT = 'Unexpected end-of-file before all data were read'

interface Waiter {
  readonly bytes: number
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: Error) => void
}

/** One read at a time. What is unread is bounded: past that the stream is paused. */
export class StreamReader {
  readonly #stream: ByteStream
  #chunks: Uint8Array[] = []
  /** Bytes of the first chunk that are read already. */
  #consumed = 0
  #unread = 0
  #ended = false
  #paused = false
  #waiter: Waiter | undefined

  constructor(stream: ByteStream) {
    this.#stream = stream
    stream.onData((chunk) => {
      this.#receive(chunk)
    })
    stream.onEnd(() => {
      this.finish()
    })
  }

  /** Bytes that came and were not read yet. */
  get unread(): number {
    return this.#unread
  }

  /** The next `bytes` bytes. @throws {StreamEnded} when the stream ends before them. */
  read(bytes: number): MaybePromise<Uint8Array> {
    assert(this.#waiter === undefined, 'one read at a time')
    if (this.#unread >= bytes) return this.#take(bytes)
    if (this.#ended) return Promise.reject(new StreamEnded(END_TEXT))
    return new Promise((resolve, reject) => {
      this.#waiter = { bytes, resolve, reject }
      this.#flow()
    })
  }

  /** Reads and drops, a piece at a time. */
  async skip(bytes: number): Promise<void> {
    for (let rest = bytes; rest > 0;) {
      const piece = Math.min(rest, 65_536)
      await this.read(piece)
      rest -= piece
    }
  }

  /** No more will come: fails the read that waits, and all that ask for more than there is. */
  finish(): void {
    this.#ended = true
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.reject(new StreamEnded(END_TEXT))
  }

  #receive(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#unread += chunk.length
    const waiter = this.#waiter
    if (waiter !== undefined && this.#unread >= waiter.bytes) {
      this.#waiter = undefined
      waiter.resolve(this.#take(waiter.bytes))
    }
    this.#flow()
  }

  /** Pauses a stream that delivers faster than we read, unless a read needs more than there is. */
  #flow(): void {
    const full = this.#waiter === undefined && this.#unread > MAX_UNREAD_BYTES
    if (full === this.#paused) return
    this.#paused = full
    if (full) this.#stream.pause()
    else this.#stream.resume()
  }

  /** A view where one chunk holds all of it, else a copy. */
  #take(bytes: number): Uint8Array {
    this.#unread -= bytes
    const first = this.#chunks[0]
    if (first !== undefined && first.length - this.#consumed >= bytes) {
      const view = first.subarray(this.#consumed, this.#consumed + bytes)
      this.#advance(bytes)
      this.#flow()
      return view
    }
    const copy = new Uint8Array(bytes)
    for (let done = 0; done < bytes;) {
      const chunk = this.#chunks[0]
      assert(chunk !== undefined, 'what is counted as unread is there')
      const piece = chunk.subarray(this.#consumed, this.#consumed + bytes - done)
      copy.set(piece, done)
      done += piece.length
      this.#advance(piece.length)
    }
    this.#flow()
    return copy
  }

  #advance(bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed < (this.#chunks[0]?.length ?? 0)) return
    this.#chunks.shift()
    this.#consumed = 0
  }
}
