/** One node offered by the NBD server, and the clients that use it. */
import type { Graph, GraphNode, User } from '../graph/graph.ts'
import { EXPORT_FLAG } from '../nbd/constants.ts'
import type { OfferedExport } from '../nbd/handshake-server.ts'
import { MAX_STRING_BYTES } from '../nbd/limits.ts'
import { encodeText } from '../nbd/text.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import {
  attachFound,
  exportedLength,
  findExported,
  largestPayload,
  leaveExported,
  moveIfFree,
  type ExportedAbout,
  type Holding,
} from './exported-user.ts'
import type { ExportServices, NbdExportOptions } from './exports.ts'
import type { MetaContext } from './meta-context.ts'
import { contextsOf } from './meta-contexts.ts'
import type { NbdServer } from './nbd-server.ts'

/** A connection that an export can get rid of. */
export interface ExportClient {
  /** Drops the stream; requests under way still complete. */
  drop(): void
  /** Begins no more requests until `resume`. */
  hold(): void
  resume(): void
  /** Settles when the last of its requests has completed. */
  readonly idle: Promise<void>
}

/** What servers prefer whatever the node says. */
const PREFERRED_BLOCK = 4096

/** Orders exports by when their latest client came. */
let connections = 0

export class NbdExport implements OfferedExport {
  readonly name: string
  readonly description: string | undefined
  readonly size: number
  readonly flags: number
  readonly readOnly: boolean
  readonly writethrough: boolean
  readonly user: User
  readonly contexts: readonly MetaContext[]
  readonly #graph: Graph
  readonly #server: NbdServer
  readonly clients = new Set<ExportClient>()
  readonly gone: Promise<void>
  finished: () => void = () => undefined
  shuttingDown = false
  /** Number of the latest connection. */
  lastConnection = 0

  /**
   * Checks in the order in which the real daemon does, then offers the node. Whatever is refused, the
   * node is let go by then.
   */
  static create(
    options: NbdExportOptions,
    services: Pick<ExportServices, 'graph' | 'threadOf'>,
    server: NbdServer | undefined,
  ): MaybePromise<NbdExport> {
    const { graph } = services
    const { iothread, 'fixed-iothread': keepsHome } = options
    const node = findExported(graph, aboutOf(options))
    if (iothread === undefined) return NbdExport.#offer(options, graph, node, server)
    const home = services.threadOf?.(iothread)
    if (home === undefined) throw new BlockError(`iothread "${iothread}" not found`)
    const moved = keepsHome === true ? graph.moveHome(node, home) : moveIfFree(graph, node, home)
    return moved.then(() => NbdExport.#offer(options, graph, node, server))
  }

  static #offer(
    options: NbdExportOptions,
    graph: Graph,
    node: GraphNode,
    server: NbdServer | undefined,
  ): MaybePromise<NbdExport> {
    let made: NbdExport | undefined
    const clients: Holding = {
      close: () => {
        for (const client of made?.clients ?? []) client.hold()
      },
      open: () => {
        for (const client of made?.clients ?? []) client.resume()
      },
    }
    const { user, restrict } = attachFound(graph, node, aboutOf(options), clients)
    try {
      if (server === undefined) throw new BlockError('NBD server not running')
      checkNames(options, server)
      restrict()
      const contexts = contextsOf({ options, node, graph })
      made = new NbdExport(options, { graph, user, server, contexts })
      return made
    } catch (error) {
      return leaveExported(graph, user).then(() => {
        throw error
      })
    }
  }

  private constructor(
    options: NbdExportOptions,
    {
      graph,
      user,
      server,
      contexts,
    }: {
      readonly graph: Graph
      readonly user: User
      readonly server: NbdServer
      readonly contexts: readonly MetaContext[]
    },
  ) {
    this.#graph = graph
    this.contexts = contexts
    this.name = exportName(options)
    this.description = options.description
    this.size = exportedLength(user)
    this.readOnly = options.writable !== true
    this.writethrough = options.writethrough ?? false
    this.flags = transmissionFlags(this.readOnly, server.multiConn)
    this.user = user
    this.#server = server
    this.gone = new Promise((resolve) => {
      this.finished = resolve
    })
    server.offer(this)
  }

  /** The sizes of blocks are those of the node as a client comes. */
  get minimumBlock(): number {
    return this.user.limits().requestAlignment
  }

  get preferredBlock(): number {
    return Math.max(PREFERRED_BLOCK, this.minimumBlock)
  }

  get maximumBlock(): number {
    return largestPayload(this.user)
  }

  /** The node that it offers now: another one where a job replaced the first. */
  get nodeName(): string {
    return this.user.node.name
  }

  /** Whether clients are connected. */
  get inUse(): boolean {
    return this.clients.size > 0
  }

  addClient(client: ExportClient): void {
    this.clients.add(client)
    this.lastConnection = ++connections
  }

  removeClient(client: ExportClient): void {
    this.clients.delete(client)
  }

  /** Takes the export off the server and drops its clients; their requests still complete. */
  beginShutdown(): void {
    this.shuttingDown = true
    this.#server.withdraw(this)
    for (const client of this.clients) client.drop()
  }

  /** Shuts the export down, waits for the requests of its clients, lets go of the node. */
  async close(): Promise<void> {
    const clients = [...this.clients]
    this.beginShutdown()
    await Promise.all(clients.map(({ idle }) => idle))
    for (const context of this.contexts) context.close?.()
    await leaveExported(this.#graph, this.user)
  }
}

function aboutOf(options: NbdExportOptions): ExportedAbout {
  return {
    name: options['node-name'],
    writable: options.writable ?? false,
    keepsHome: options['fixed-iothread'] ?? false,
  }
}

function exportName(options: NbdExportOptions): string {
  return options.name ?? options['node-name']
}

function checkNames(options: NbdExportOptions, server: NbdServer): void {
  const name = exportName(options)
  if (encodeText(name).length > MAX_STRING_BYTES) {
    throw new BlockError(`export name '${name}' too long`)
  }
  const { description } = options
  if (description !== undefined && encodeText(description).length > MAX_STRING_BYTES) {
    throw new BlockError(`description '${description}' too long`)
  }
  if (server.find(name) !== undefined) {
    throw new BlockError(`NBD server already has export named '${name}'`)
  }
}

function transmissionFlags(readOnly: boolean, multiConn: boolean): number {
  const { hasFlags, flush, fua, cache } = EXPORT_FLAG
  const common = hasFlags | flush | fua | cache | (multiConn ? EXPORT_FLAG.multiConn : 0)
  return readOnly
    ? common | EXPORT_FLAG.readOnly
    : common | EXPORT_FLAG.trim | EXPORT_FLAG.writeZeroes | EXPORT_FLAG.fastZero
}
