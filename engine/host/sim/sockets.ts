/** Simulated sockets: an address is a key in a table, a connection is a pair of pipes. */
import { BlockError, ioError } from '../../util/errors.ts'
import type { ByteStream, Listener, SocketAddress, Sockets } from '../host.ts'
import { pairOf } from '../pair.ts'
import { onFreePort, portOf } from '../ports.ts'

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
  let freeName = 0
  const bind = (address: SocketAddress, accept: (stream: ByteStream) => void): Listener => {
    const key = keyOf(address)
    accepting.set(key, accept)
    return {
      address,
      close: () => {
        if (accepting.get(key) === accept) accepting.delete(key)
      },
    }
  }
  /** A socket without a path gets one of its own. */
  const named = (address: SocketAddress & { readonly type: 'unix' }): SocketAddress => {
    if (address.path !== '' || address.abstract !== undefined) return address
    return { ...address, path: `/tmp/qemu-socket-${String(freeName++)}` }
  }
  return {
    openConnections: () => connections,

    listen: async (wanted, accept) => {
      await turn(post)
      // Binding to a unix path replaces whatever was there, as the real daemon does.
      if (wanted.type === 'unix') return bind(named(wanted), accept)
      const port = portOf(wanted, () => undefined)
      return onFreePort(port, wanted.lastPort ?? port, async (tried) => {
        const address = { ...wanted, port: tried === 0 ? freePort++ : tried }
        if (accepting.has(keyOf(address))) throw ioError('EADDRINUSE')
        return bind(address, accept)
      })
    },

    connect: async (address) => {
      await turn(post)
      if (address.type === 'inet') portOf(address, () => undefined)
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
  const isFile = address.type === 'unix' && address.abstract === undefined
  return ioError(isFile ? 'ENOENT' : 'ECONNREFUSED')
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
