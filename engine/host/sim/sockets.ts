/** Simulated sockets: an address is a place in a table, a connection is a pair of pipes. */
import { ioError } from '../../util/errors.ts'
import type { ByteStream, Clock, Listener, SocketAddress, Sockets } from '../host.ts'
import { pairOf } from '../pair.ts'
import { onFreePort, portOf } from '../ports.ts'
import { overlap, ownAddresses, peerAddresses } from './names.ts'
import { checkOwnCid, isAnyPort, type Surroundings, VSOCK_TIMEOUT_NS } from './surroundings.ts'

const FIRST_FREE_PORT = 49_152
/** Paths and names have no ports. */
const UNIX = 'unix'

export interface SimSockets extends Sockets {
  /** Connections with at least one end still open. */
  openConnections(): number
}

type Accept = (stream: ByteStream) => void

interface Bound {
  /** What `overlap` compares: an address of the protocol, or a name. */
  readonly places: readonly string[]
  /** Kind and number; listeners at different ones never meet. */
  readonly port: string
  readonly accept: Accept
}

type Inet = SocketAddress & { readonly type: 'inet' }
type Unix = SocketAddress & { readonly type: 'unix' }
type Vsock = SocketAddress & { readonly type: 'vsock' }

/** @param post - Makes a task ready; every delivery and every accept is one. */
export function createSimSockets(
  post: (task: () => void) => void,
  clock: Clock,
  surroundings: Surroundings,
): SimSockets {
  const table = new Table()
  let connections = 0
  let freePort = FIRST_FREE_PORT
  let freeName = 0

  const listenUnix = (wanted: Unix, accept: Accept): Listener => {
    // A socket without a path gets one of its own.
    const isNamed = wanted.path !== '' || wanted.abstract !== undefined
    const address = isNamed ? wanted : { ...wanted, path: `/tmp/qemu-socket-${String(freeName++)}` }
    const bound = { places: [unixName(address)], port: UNIX, accept }
    // Binding to a path replaces whatever was there, as the real daemon does.
    table.clear(bound)
    return table.add(bound, address)
  }

  const listenInet = (wanted: Inet, accept: Accept): Promise<Listener> => {
    const port = portOf(wanted, () => undefined)
    const places = ownAddresses(wanted, surroundings.localhost)
    return onFreePort(port, wanted.lastPort ?? port, async (tried) => {
      const address = { ...wanted, port: tried === 0 ? freePort++ : tried }
      return table.add({ places, port: `inet ${String(address.port)}`, accept }, address)
    })
  }

  const listenVsock = (wanted: Vsock, accept: Accept): Listener => {
    checkOwnCid(wanted)
    const address = isAnyPort(wanted.port) ? { ...wanted, port: freePort++ } : wanted
    return table.add({ places: [''], port: `vsock ${String(address.port)}`, accept }, address)
  }

  const find = async (address: SocketAddress): Promise<Accept> => {
    switch (address.type) {
      case 'unix': {
        // Nothing can listen at a socket without a name.
        const isFile = address.abstract === undefined && address.path !== ''
        return table.find(unixName(address), UNIX) ?? refuse(isFile ? 'ENOENT' : 'ECONNREFUSED')
      }
      case 'inet': {
        const port = `inet ${String(portOf(address, () => undefined))}`
        for (const place of peerAddresses(address, surroundings.localhost)) {
          const accept = table.find(place, port)
          if (accept !== undefined) return accept
        }
        return refuse('ECONNREFUSED')
      }
      case 'vsock':
        // Nobody answers; the machine does not hear itself either.
        if (surroundings.vsock === 'ETIMEDOUT') {
          await new Promise<void>((resolve) => clock.after(VSOCK_TIMEOUT_NS, resolve))
        }
        return refuse(surroundings.vsock)
    }
  }

  return {
    openConnections: () => connections,

    listen: async (wanted, accept) => {
      await turn(post)
      switch (wanted.type) {
        case 'unix':
          return listenUnix(wanted, accept)
        case 'inet':
          return listenInet(wanted, accept)
        case 'vsock':
          return listenVsock(wanted, accept)
      }
    },

    connect: async (address) => {
      await turn(post)
      const accept = await find(address)
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

class Table {
  #all: Bound[] = []

  /** @throws {BlockError} `EADDRINUSE` where somebody listens there. */
  add(bound: Bound, address: SocketAddress): Listener {
    if (this.#rivals(bound).length > 0) throw ioError('EADDRINUSE')
    this.#all.push(bound)
    return {
      address,
      close: () => {
        this.#all = this.#all.filter((each) => each !== bound)
      },
    }
  }

  clear(bound: Bound): void {
    const rivals = this.#rivals(bound)
    this.#all = this.#all.filter((each) => !rivals.includes(each))
  }

  find(place: string, port: string): Accept | undefined {
    const accept: Accept = () => undefined
    return this.#rivals({ places: [place], port, accept })[0]?.accept
  }

  #rivals({ places, port }: Bound): readonly Bound[] {
    return this.#all.filter(
      (each) =>
        each.port === port &&
        each.places.some((one) => places.some((other) => overlap(one, other))),
    )
  }
}

function refuse(errno: Parameters<typeof ioError>[0]): never {
  throw ioError(errno)
}

function unixName({ path, abstract }: Unix): string {
  return `unix:${abstract ?? ''}:${path}`
}

function turn(post: (task: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    post(resolve)
  })
}
