/** A byte stream of the host as the kind of stream that libraries take for a socket. */
import { Duplex } from 'node:stream'
import type { ByteStream } from '../../host/host.ts'

export function socketOver(stream: ByteStream): Duplex {
  const socket = new Duplex({
    allowHalfOpen: false,
    read: () => {
      stream.resume()
    },
    write: (chunk: Buffer, _encoding, done) => {
      const written = stream.write(chunk)
      if (written instanceof Promise) {
        void written.then(
          () => done(),
          (error: unknown) => done(error as Error),
        )
      } else done()
    },
    final: (done) => {
      stream.end()
      done()
    },
    destroy: (error, done) => {
      stream.destroy()
      done(error)
    },
  })
  stream.onData((chunk) => {
    if (!socket.push(chunk)) stream.pause()
  })
  stream.onEnd(() => {
    socket.push(null)
  })
  return socket
}
