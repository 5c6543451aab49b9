/** Buffers that are used again: making one and filling it with zeroes takes as long as a short copy. */

/** As many are kept as a request has workers. */
const KEPT = 64

export class Buffers {
  #free: ArrayBufferLike[] = []
  /** Bytes of each that is kept. */
  #size = 0

  /** What is in it is anything. */
  take(bytes: number): Uint8Array {
    if (bytes > this.#size) {
      this.#size = bytes
      this.#free = []
    }
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(this.#size), 0, bytes)
  }

  give({ buffer }: Uint8Array): void {
    if (buffer.byteLength === this.#size && this.#free.length < KEPT) this.#free.push(buffer)
  }
}
