/** The `nbd` driver's connection: made when the node opens, and made again if so wished. */
import type { Clock, SocketAddress, Sockets } from '../../host/host.ts'
import { checkAddress, connectFailure } from '../../nbd/address.ts'
import type { NbdExportInfo } from '../../nbd/client.ts'
import { NbdClient } from '../../nbd/client.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { Attempts } from './attempts.ts'

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

/**
 * A server that is lost is noticed by the next request. From then on requests wait for it as long
 * as they may, counted from the first that does; later ones look whether it is back, and fail.
 */
type State = 'connected' | 'waited for' | 'lost'

export class Connection {
  readonly info: NbdExportInfo
  readonly #outside: Outside
  readonly #about: ConnectionAbout
  #client: NbdClient
  #state: State = 'connected'
  /** To get a lost server back. */
  #attempts: Attempts | undefined
  #waitEndNs: number | undefined
  #closed = false

  /** @throws {BlockError} when the server cannot be reached or refuses the export. */
  static async open(outside: Outside, about: ConnectionAbout): Promise<Connection> {
    checkAddress(about.address)
    return new Connection(outside, about, await connectFirst(outside, about))
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
        if (!client.closed || this.#closed) throw error
        if (client === this.#client && this.#state === 'connected') this.#lose()
        if (this.#state === 'lost' || this.#about.reconnectSeconds === 0) throw error
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#attempts?.stop()
    await this.#client.disconnect()
  }

  #lose(): void {
    this.#state = this.#about.reconnectSeconds === 0 ? 'lost' : 'waited for'
    this.#waitEndNs = undefined
  }

  /** @throws {BlockError} `EIO` where there is no server, whatever the reason. */
  async #connected(): Promise<NbdClient> {
    if (this.#state === 'connected') return this.#client
    if (this.#closed) throw ioError('EIO')
    const { clock, sockets } = this.#outside
    this.#attempts ??= new Attempts(clock, () => connect(sockets, this.#about))
    const attempts = this.#attempts
    const client = this.#state === 'lost' ? attempts.ready : await this.#awaited(attempts)
    if (client === undefined) throw ioError('EIO')
    // Another request may have taken it up, or found it to be of no use.
    if (this.#attempts === attempts) await this.#takeUp(client)
    if (this.#client !== client) throw ioError('EIO')
    return client
  }

  async #awaited(attempts: Attempts): Promise<NbdClient | undefined> {
    const nowNs = this.#outside.clock.nowNs()
    this.#waitEndNs ??= nowNs + this.#about.reconnectSeconds * NS_PER_SECOND
    const client = await attempts.within(this.#waitEndNs - nowNs)
    if (client === undefined && this.#state === 'waited for') this.#state = 'lost'
    return client
  }

  async #takeUp(client: NbdClient): Promise<void> {
    this.#attempts = undefined
    if (client.info.size !== this.info.size || client.info.flags !== this.info.flags) {
      await client.disconnect()
      return
    }
    this.#client = client
    this.#state = 'connected'
  }
}

/** Tries once, or until the time for it is over. */
async function connectFirst(outside: Outside, about: ConnectionAbout): Promise<NbdClient> {
  const { clock, sockets } = outside
  if (about.openSeconds === 0) return connect(sockets, about)
  const attempts = new Attempts(clock, () => connect(sockets, about))
  const client = await attempts.within(about.openSeconds * NS_PER_SECOND)
  if (client !== undefined) return client
  attempts.stop()
  throw attempts.failure ?? new BlockError('Connection attempt cancelled by timeout')
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
