/** The `nbd` driver's connection: made when the node opens, and made again if so wished. */
import type { Clock, SocketAddress, Sockets } from '../../host/host.ts'
import { checkAddress, connectFailure } from '../../nbd/address.ts'
import type { NbdExportInfo } from '../../nbd/client.ts'
import { NbdClient } from '../../nbd/client.ts'
import { BlockError, ioError } from '../../util/errors.ts'

export interface ConnectionAbout {
  readonly address: SocketAddress
  readonly export: string
  /** The meta context that block status tells of. */
  readonly context: string
  /** How long requests wait for a lost server; 0 fails them, and all to come. */
  readonly reconnectSeconds: number
  /** How long opening keeps trying. */
  readonly openSeconds: number
}

interface Outside {
  readonly clock: Clock
  readonly sockets: Sockets
}

const NS_PER_SECOND = 1e9
/** Between two attempts. */
const RETRY_NS = NS_PER_SECOND

export class Connection {
  readonly info: NbdExportInfo
  readonly #outside: Outside
  readonly #about: ConnectionAbout
  #client: NbdClient
  /** An attempt to get a lost server back, which all requests wait for. */
  #attempt: Promise<NbdClient> | undefined
  #closed = false

  /** @throws {BlockError} when the server cannot be reached or refuses the export. */
  static async open(outside: Outside, about: ConnectionAbout): Promise<Connection> {
    checkAddress(about.address)
    const client = await retrying(outside, about, about.openSeconds, () => false)
    return new Connection(outside, about, client)
  }

  private constructor(outside: Outside, about: ConnectionAbout, client: NbdClient) {
    this.#outside = outside
    this.#about = about
    this.#client = client
    this.info = client.info
  }

  /** Carries out a request; once more on a new connection where the old one broke under it. */
  async request<T>(work: (client: NbdClient) => Promise<T>): Promise<T> {
    for (;;) {
      const client = await this.#connected()
      try {
        return await work(client)
      } catch (error) {
        // Only a server that is gone is waited for; what it refused stays refused.
        if (!client.closed || this.#about.reconnectSeconds === 0 || this.#closed) throw error
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client.disconnect()
  }

  async #connected(): Promise<NbdClient> {
    if (!this.#client.closed) return this.#client
    if (this.#about.reconnectSeconds === 0 || this.#closed) throw ioError('EIO')
    this.#attempt ??= this.#reconnect().finally(() => {
      this.#attempt = undefined
    })
    return this.#attempt
  }

  async #reconnect(): Promise<NbdClient> {
    const { reconnectSeconds } = this.#about
    let client: NbdClient
    try {
      client = await retrying(this.#outside, this.#about, reconnectSeconds, () => this.#closed)
    } catch (error) {
      // Why it failed is nothing that a request's user could make use of.
      throw error instanceof BlockError ? ioError('EIO') : error
    }
    if (client.info.size !== this.info.size || client.info.flags !== this.info.flags) {
      await client.disconnect()
      throw ioError('EIO')
    }
    this.#client = client
    return client
  }
}

/** Tries until it works, the time is over or nobody wants it any more; at least once. */
async function retrying(
  outside: Outside,
  about: ConnectionAbout,
  seconds: number,
  isOver: () => boolean,
): Promise<NbdClient> {
  const endNs = outside.clock.nowNs() + seconds * NS_PER_SECOND
  for (;;) {
    try {
      return await connect(outside.sockets, about)
    } catch (error) {
      const leftNs = endNs - outside.clock.nowNs()
      if (leftNs <= 0 || isOver()) throw error
      await new Promise<void>((resolve) => {
        outside.clock.after(Math.min(RETRY_NS, leftNs), resolve)
      })
    }
  }
}

async function connect(sockets: Sockets, about: ConnectionAbout): Promise<NbdClient> {
  let stream
  try {
    stream = await sockets.connect(about.address)
  } catch (error) {
    throw connectFailure(about.address, error)
  }
  return NbdClient.connect(stream, { export: about.export, metaContexts: [about.context] })
}
