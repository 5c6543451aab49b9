/** Node's sockets and standard streams as byte streams. */
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { ByteStream } from '../host.ts'

/** A stream over one source and one sink, which for a socket are the same object. */
export function byteStream(source: Readable, sink: Writable): ByteStream {
  let over = false
  let endReader: (() => void) | undefined
  let drained: Promise<void> | undefined
  const finish = (): void => {
    if (over) return
    over = true
    endReader?.()
  }
  source.once('end', finish)
  source.once('close', finish)
  // An error is always followed by a close, which is what the reader hears of it.
  source.on('error', () => undefined)
  if (sink !== (source as unknown)) sink.on('error', finish)
  const flushBatch = batching(sink)
  return {
    onData: (reader) => {
      source.on('data', reader)
    },
    onEnd: (reader) => {
      endReader = reader
      // Whoever asks late is told late, never within the call.
      if (over) setImmediate(reader)
    },
    write: (chunk) => {
      if (!sink.writable) return
      flushBatch()
      if (sink.write(chunk)) return
      // All who write meanwhile wait for the same.
      drained ??= drainOf(sink).finally(() => {
        drained = undefined
      })
      return drained
    },
    pause: () => {
      source.pause()
    },
    resume: () => {
      source.resume()
    },
    end: () => {
      sink.end()
    },
    destroy: () => {
      over = true
      // What was written before an end still goes out.
      if (source instanceof Socket && source.writableEnded) source.destroySoon()
      else source.destroy()
      if (sink !== (source as unknown)) sink.end()
    },
  }
}

/** Until more may be written, or never will. */
function drainOf(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      sink.off('drain', wake)
      sink.off('close', wake)
      resolve()
    }
    sink.on('drain', wake)
    sink.on('close', wake)
  })
}

/** Collects the writes of one turn into one system call, which is most of what a reply costs. */
function batching(sink: Writable): () => void {
  let corked = false
  return () => {
    if (corked) return
    corked = true
    sink.cork()
    process.nextTick(() => {
      corked = false
      sink.uncork()
    })
  }
}

export interface StdioOptions {
  /** False: on a terminal the interrupt keys are input like any other. */
  readonly signals?: boolean
}

/** Standard input and output of this process as one stream. The process keeps both. */
export function stdioStream({ signals = true }: StdioOptions = {}): ByteStream {
  if (!signals && process.stdin.isTTY) process.stdin.setRawMode(true)
  return {
    ...byteStream(process.stdin, process.stdout),
    end: () => undefined,
    destroy: () => {
      process.stdin.pause()
    },
  }
}
