/** What the rest of the engine may ask of exports: the NBD server and the nodes it offers. */
import type { Graph } from '../graph/graph.ts'
import type { SocketAddress, Sockets } from '../host/host.ts'
import { isPromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { closingOrder } from './closing-order.ts'
import { NbdExport } from './nbd-export.ts'
import { NbdServer } from './nbd-server.ts'

export interface NbdServerOptions {
  readonly addr: SocketAddress
  /** Clients that are served at once; 0, the default, means any number. */
  readonly 'max-connections'?: number | undefined
  readonly 'tls-creds'?: string | undefined
  readonly 'tls-authz'?: string | undefined
}

/** The address may be made out only after the server was found not to run yet. */
export type ServerStart = Omit<NbdServerOptions, 'addr'> & {
  readonly addr: SocketAddress | (() => SocketAddress)
}

export interface BitmapName {
  readonly node: string
  readonly name: string
}

/** Arguments of `block-export-add` with `type: nbd`, defaults not yet filled in. */
export interface NbdExportOptions {
  readonly type: 'nbd'
  readonly id: string
  readonly 'node-name': string
  /** What clients ask for; the node name unless given. */
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly writable?: boolean | undefined
  /** Every write reaches stable storage before it is answered. */
  readonly writethrough?: boolean | undefined
  readonly 'fixed-iothread'?: boolean | undefined
  readonly iothread?: string | undefined
  /** Names, looked up along the chain below the node, or names with their nodes. */
  readonly bitmaps?: readonly (string | BitmapName)[] | undefined
  readonly 'allocation-depth'?: boolean | undefined
}

/** One element of `query-block-exports`. */
export interface ExportInfo {
  readonly 'node-name': string
  readonly 'shutting-down': boolean
  readonly type: 'nbd'
  readonly id: string
}

export interface Exports {
  /** Whether the NBD server runs. There is at most one. */
  readonly serverRunning: boolean
  startServer(options: ServerStart): Promise<void>
  stopServer(): Promise<void>
  add(options: NbdExportOptions): Promise<void>
  /**
   * Returns when the command may be answered: once the export is gone where nobody used it, else
   * at once, and the export goes when its last request has completed.
   */
  remove(id: string, mode: 'safe' | 'hard'): Promise<void>
  /** Newest first. */
  list(): readonly ExportInfo[]
  /** Stops the server and removes every export, as at the end of the daemon. */
  closeAll(): Promise<void>
}

export interface ExportServices {
  readonly graph: Graph
  readonly sockets: Sockets
  /** What nodes in the iothread of this name have as their home; undefined: there is none. */
  readonly threadOf?: (id: string) => string | undefined
  /** An object that a client created, as drivers look for it. */
  readonly object?: (type: string, id: string) => unknown
  /** Raises a QMP event. */
  readonly emit: (event: string, data: Readonly<Record<string, unknown>>) => void
  /** One line of what the daemon prints about clients that it gives up on. */
  readonly log?: (line: string) => void
}

export function createExports(services: ExportServices): Exports {
  return new Registry(services)
}

class Registry implements Exports {
  readonly #services: ExportServices
  /** In order of making. */
  readonly #exports = new Map<string, NbdExport>()
  #server: NbdServer | undefined
  /** A start that has not succeeded yet keeps others out too. */
  #starting = false

  constructor(services: ExportServices) {
    this.#services = services
  }

  get serverRunning(): boolean {
    return this.#server !== undefined
  }

  async startServer({ addr, ...rest }: ServerStart): Promise<void> {
    if (this.#server !== undefined || this.#starting) {
      throw new BlockError('NBD server already running')
    }
    this.#starting = true
    try {
      const options = { ...rest, addr: typeof addr === 'function' ? addr() : addr }
      this.#server = await NbdServer.start(options, this.#services)
    } finally {
      this.#starting = false
    }
  }

  async stopServer(): Promise<void> {
    const server = this.#server
    if (server === undefined) throw new BlockError('NBD server not running')
    this.#server = undefined
    await this.#closeExports(server)
    server.close()
  }

  async add(options: NbdExportOptions): Promise<void> {
    const { id } = options
    if (!isWellFormedId(id)) throw new BlockError('Invalid block export id')
    if (this.#exports.has(id)) throw new BlockError(`Block export id '${id}' is already in use`)
    const made = NbdExport.create(options, this.#services, this.#server)
    // Nobody else may take the name in between.
    this.#exports.set(id, isPromise(made) ? await made : made)
  }

  async remove(id: string, mode: 'safe' | 'hard'): Promise<void> {
    const found = this.#exports.get(id)
    if (found === undefined) throw new BlockError(`Export '${id}' is not found`)
    if (found.shuttingDown) throw new BlockError(`Export '${id}' is already shutting down`)
    if (found.inUse) {
      if (mode === 'safe') {
        throw new BlockError(`export '${id}' still in use`, {
          hint: "Use mode='hard' to force client disconnect\n",
        })
      }
      void this.#shutDown(id, found)
      return
    }
    await this.#shutDown(id, found)
  }

  list(): readonly ExportInfo[] {
    return [...this.#exports]
      .map(([id, found]) => ({
        'node-name': found.nodeName,
        'shutting-down': found.shuttingDown,
        type: 'nbd' as const,
        id,
      }))
      .reverse()
  }

  async closeAll(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await this.#closeExports(server)
    server?.close()
  }

  async #closeExports(server: NbdServer | undefined): Promise<void> {
    server?.stopListening()
    const going = [...this.#exports.values()].map(({ gone }) => gone)
    const all = [...this.#exports].filter(([, found]) => !found.shuttingDown)
    const order = closingOrder(all, this.#services.graph)
    for (const [, found] of all) found.beginShutdown()
    for (const [id, found] of order) {
      await this.#shutDown(id, found)
    }
    // Some may have been on their way before.
    await Promise.all(going)
  }

  async #shutDown(id: string, found: NbdExport): Promise<void> {
    await found.close()
    if (this.#exports.get(id) !== found) return
    this.#exports.delete(id)
    this.#services.emit('BLOCK_EXPORT_DELETED', { id })
    found.finished()
  }
}

/** Ids begin with a letter and have letters, digits and three marks. */
function isWellFormedId(id: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]*$/.test(id)
}
