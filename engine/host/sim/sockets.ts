/** Simulated sockets: an address is a key in a table, a connection is a pair of pipes. */
import { BlockError, ioError } from '../../util/errors.ts'
import type { ByteStream, Listener, SocketAddress, Sockets } from '../host.ts'
import { pairOf } from '../pair.ts'

const FIRST_FREE_PORT = 49_152

export interface SimSockets extends Sockets {
  /** Connections with at least one end still open. */
  openConnections(): number
}

/** @param post - Makes a task ready; every delivery and every accept is one. */
export function createSimSockets(post: (task: () => void) => void): SimSockets {
  const accepting = new Map<string, (stream: ByteStream) => void>()
  let connections = 0
  let freePort = FIRST_FREE_PORT
  return {
    openConnections: () => connections,

    listen: async (wanted, accept) => {
      await turn(post)
      const address: SocketAddress =
        wanted.type === 'inet' && wanted.port === 0 ? { ...wanted, port: freePort++ } : wanted
      const key = keyOf(address)
      // Binding to a unix path replaces whatever was there, as the real daemon does.
      if (address.type === 'inet' && accepting.has(key)) throw ioError('EADDRINUSE')
      accepting.set(key, accept)
      const listener: Listener = {
        address,
        close: () => {
          if (accepting.get(key) === accept) accepting.delete(key)
        },
      }
      return listener
    },

    connect: async (address) => {
      await turn(post)
      const accept = accepting.get(keyOf(address))
      if (accept === undefined) throw refused(address)
      connections += 1
      const [here, there] = pairOf(post, () => {
        connections -= 1
      })
      post(() => {
        accept(there)
      })
      return here
    },
  }
}

function refused(address: SocketAddress): BlockError {
  return ioError(address.type === 'unix' ? 'ENOENT' : 'ECONNREFUSED')
}

function keyOf(address: SocketAddress): string {
  return address.type === 'unix'
    ? `unix:${address.abstract ?? ''}:${address.path}`
    : `inet:${hostName(address.host)}:${String(address.port)}`
}

/** The simulated machine has one interface, which all its names lead to. */
function hostName(host: string): string {
  return ['localhost', '127.0.0.1', '::1', '0.0.0.0', '::', ''].includes(host) ? 'here' : host
}

function turn(post: (task: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    post(resolve)
  })
}
