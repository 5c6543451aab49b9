/**
 * Two ends of a byte stream inside one process. Chunks are handed over by reference, in order; each
 * delivery is a task of its own, so that a simulated host decides when it happens.
 */
import type { MaybePromise } from '../util/async.ts'
import type { ByteStream, Host } from './host.ts'

/** Bytes that an end may have under way before its writer is asked to wait. */
const HIGH_WATER_BYTES = 1 << 20

/** A connected pair of streams on this host. What one end writes the other reads. */
export function streamPair(host: Pick<Host, 'clock'>): [ByteStream, ByteStream] {
  return pairOf((task) => {
    host.clock.after(0, task)
  })
}

/** The same over a given way to run tasks later; `closed` is told when both ends have finished. */
export function pairOf(
  post: (task: () => void) => void,
  closed: () => void = () => undefined,
): [ByteStream, ByteStream] {
  let open = 2
  const done = (): void => {
    open -= 1
    if (open === 0) closed()
  }
  const there = new Pipe(post, done)
  const back = new Pipe(post, done)
  return [endOf(there, back), endOf(back, there)]
}

function endOf(outgoing: Pipe, incoming: Pipe): ByteStream {
  return {
    onData: (reader) => {
      incoming.setReader(reader)
    },
    onEnd: (reader) => {
      incoming.setEndReader(reader)
    },
    write: (chunk) => outgoing.push(chunk),
    pause: () => {
      incoming.pause()
    },
    resume: () => {
      incoming.resume()
    },
    end: () => {
      outgoing.finish()
    },
    destroy: () => {
      outgoing.finish()
      incoming.discard()
    },
  }
}

/** One direction. At most one delivery task exists at a time, which keeps the bytes in order. */
class Pipe {
  readonly #post: (task: () => void) => void
  readonly #done: () => void
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #reader: ((chunk: Uint8Array) => void) | undefined
  #endReader: (() => void) | undefined
  #writers: (() => void)[] = []
  #paused = false
  #scheduled = false
  #finished = false
  #over = false

  constructor(post: (task: () => void) => void, done: () => void) {
    this.#post = post
    this.#done = done
  }

  push(chunk: Uint8Array): MaybePromise<void> {
    if (this.#finished || this.#over) return
    if (chunk.length === 0) return
    this.#queue.push(chunk)
    this.#queuedBytes += chunk.length
    this.#schedule()
    if (this.#queuedBytes < HIGH_WATER_BYTES) return
    return new Promise((resolve) => this.#writers.push(resolve))
  }

  finish(): void {
    if (this.#finished) return
    this.#finished = true
    this.#schedule()
  }

  /** The reading end is gone: nothing is delivered any more, and writers never wait again. */
  discard(): void {
    this.#queue = []
    this.#queuedBytes = 0
    this.#endReader = undefined
    this.#finishReading()
    this.#wakeWriters()
  }

  setReader(reader: (chunk: Uint8Array) => void): void {
    this.#reader = reader
    this.#schedule()
  }

  setEndReader(reader: () => void): void {
    this.#endReader = reader
    this.#schedule()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#over) return
    if (this.#queue.length > 0 ? this.#reader === undefined : !this.#finished) return
    this.#scheduled = true
    this.#post(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    if (this.#paused || this.#over) return
    const chunk = this.#queue.shift()
    if (chunk === undefined) {
      if (!this.#finished || this.#endReader === undefined) return
      const endReader = this.#endReader
      this.#finishReading()
      endReader()
      return
    }
    this.#queuedBytes -= chunk.length
    if (this.#queuedBytes < HIGH_WATER_BYTES) this.#wakeWriters()
    this.#schedule()
    this.#reader?.(chunk)
  }

  #finishReading(): void {
    if (this.#over) return
    this.#over = true
    this.#done()
  }

  #wakeWriters(): void {
    const writers = this.#writers
    this.#writers = []
    for (const wake of writers) wake()
  }
}
