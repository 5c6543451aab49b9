/** The NBD server: one listening socket, its clients, and the exports by name. */
import type { ByteStream, Listener, SocketAddress } from '../host/host.ts'
import { checkAddress, listenFailure } from '../nbd/address.ts'
import { checkCredentials } from '../nbd/credentials.ts'
import type { Catalogue } from '../nbd/handshake-server.ts'
import type { ExportServices, NbdServerOptions } from './exports.ts'
import type { NbdExport } from './nbd-export.ts'
import { NbdSession } from './nbd-session.ts'

export class NbdServer implements Catalogue<NbdExport> {
  /** Whether several clients of one export see each other's writes, which they do if there may be several. */
  readonly multiConn: boolean
  readonly #services: ExportServices
  readonly #maxConnections: number
  readonly #offers: NbdExport[] = []
  readonly #sessions = new Set<NbdSession>()
  /** Streams that wait until one of the others has gone. */
  #waiting: ByteStream[] = []
  #listener: Listener | undefined

  static async start(options: NbdServerOptions, services: ExportServices): Promise<NbdServer> {
    const server = new NbdServer(services, options['max-connections'] ?? 0)
    await server.#listen(options.addr)
    try {
      // Without them no client comes by TLS, and `tls-authz` is never asked.
      checkCredentials(options['tls-creds'], (type, id) => services.object?.(type, id))
    } catch (error) {
      server.close()
      throw error
    }
    return server
  }

  private constructor(services: ExportServices, maxConnections: number) {
    this.#services = services
    this.#maxConnections = maxConnections
    this.multiConn = maxConnections !== 1
  }

  /** In order of making. */
  list(): readonly NbdExport[] {
    return this.#offers
  }

  find(name: string): NbdExport | undefined {
    return this.#offers.find((offer) => offer.name === name)
  }

  offer(made: NbdExport): void {
    this.#offers.push(made)
  }

  /** New clients do not find it any more. */
  withdraw(gone: NbdExport): void {
    const index = this.#offers.indexOf(gone)
    if (index >= 0) this.#offers.splice(index, 1)
  }

  stopListening(): void {
    this.#listener?.close()
    this.#listener = undefined
  }

  /** Drops every client, also those that have not chosen an export. */
  close(): void {
    this.stopListening()
    for (const session of this.#sessions) session.drop()
    for (const stream of this.#waiting) stream.destroy()
    this.#waiting = []
  }

  async #listen(address: SocketAddress): Promise<void> {
    checkAddress(address)
    try {
      this.#listener = await this.#services.sockets.listen(address, (stream) => {
        this.#accept(stream)
      })
    } catch (error) {
      throw listenFailure(address, error)
    }
  }

  /** A client beyond the limit is connected, but hears nothing until another one leaves. */
  #accept(stream: ByteStream): void {
    if (this.#listener === undefined) {
      stream.destroy()
      return
    }
    if (this.#maxConnections > 0 && this.#sessions.size >= this.#maxConnections) {
      this.#waiting.push(stream)
      return
    }
    const session = new NbdSession(stream, this, (line) => this.#services.log?.(line))
    this.#sessions.add(session)
    void session.run().finally(() => {
      this.#sessions.delete(session)
      const next = this.#waiting.shift()
      if (next !== undefined) this.#accept(next)
    })
  }
}
