/**
 * The one I/O channel: the runner exports a node over NBD for one step and talks to it. The export,
 * the server, their events and their errors are the runner's own and stay out of the transcript. The
 * engine in this process shows the node itself, without the wire, where nobody could tell.
 */
import { resolve } from 'node:path'
import { BlockError, NbdClient, type SocketAddress } from '../engine/index.ts'
import type { Value } from '../dsl/plan.ts'
import { ALLOCATION, type Device, nbdDevice, nodeDevice } from './device.ts'
import { isMap, member, text } from './json.ts'
import type { Play } from './play.ts'
import type { Flight } from './script.ts'
import type { QmpEvent } from './session.ts'
import type { Station } from './targets/target.ts'

const PREFIX = 'blockspec-'

export interface OpenExport {
  readonly node: string
  readonly writable: boolean
  readonly device: Device
  /** Requests that outlive their step keep the export open. */
  readonly flights: Flight[]
}

/** A connection to an export of the scenario's own. */
export interface ScenarioConnection {
  readonly exportId: string
  readonly client: NbdClient
  readonly device: Device
  readonly flights: Flight[]
}

interface Entry extends OpenExport {
  close(): Promise<void>
  /** Steps that use it now: actors may share one. */
  users: number
}

/** How a step uses a node. */
export interface Use {
  readonly writable: boolean
  /** Nothing else goes on in the scenario meanwhile, and no request outlives the step. */
  readonly alone: boolean
}

export class HiddenExports {
  readonly #play: Play
  readonly #open = new Map<string, Entry>()
  /** Servers and exports come and go one at a time, whoever asks. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Connections that requests are still under way on, by export id. */
  readonly #connections = new Map<string, ScenarioConnection>()
  #serial = 0
  /** The server that the scenario started itself. */
  #scenarioServer: SocketAddress | undefined
  #ownServer: SocketAddress | undefined
  /** Exports of the scenario that live on the runner's server. */
  readonly #guests = new Set<string>()
  /** Objects that the scenario made, oldest first. */
  readonly #objects = new Set<string>()
  /** NBD names of the scenario's exports by id. */
  readonly #names = new Map<string, string>()

  constructor(play: Play) {
    this.#play = play
  }

  /** The target is a new one. */
  forget(): void {
    this.#turn = Promise.resolve()
    this.#open.clear()
    this.#connections.clear()
    this.#guests.clear()
    this.#names.clear()
    this.#objects.clear()
    this.#scenarioServer = undefined
    this.#ownServer = undefined
  }

  owns(event: QmpEvent): boolean {
    if (event.name !== 'BLOCK_EXPORT_DELETED') return false
    return text(member(event.data, 'id'))?.startsWith(PREFIX) ?? false
  }

  /** An export of the node for a step, or the words in which it was refused. */
  open(node: string, use: Use): Promise<OpenExport | string> {
    return this.#inTurn(() => this.#openNow(node, use))
  }

  /** Ends the export unless somebody uses it or requests are still under way. */
  release(opened: OpenExport): Promise<void> {
    return this.#inTurn(() => this.#releaseNow(opened))
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async #openNow(node: string, { writable, alone }: Use): Promise<OpenExport | string> {
    const known =
      this.#open.get(keyOf(node, true)) ??
      (writable ? undefined : this.#open.get(keyOf(node, false)))
    if (known !== undefined) {
      known.users += 1
      return known
    }
    const shown = alone ? this.#show(node, writable) : undefined
    const entry = shown ?? (await this.#export(node, writable))
    if (typeof entry !== 'string') this.#open.set(keyOf(node, writable), entry)
    return entry
  }

  /** Nothing where only a server can show the node, or one that the scenario uses would do it. */
  #show(node: string, writable: boolean): Entry | string | undefined {
    const ownsServer = this.#ownServer !== undefined && this.#guests.size === 0
    try {
      const shown = this.#play.machine?.showDevice?.(node, { writable, ownsServer })
      if (shown === undefined) return undefined
      return {
        node,
        writable,
        device: nodeDevice(shown),
        flights: [],
        users: 1,
        close: () => this.#play.limit(shown.close(), 'the end of an export'),
      }
    } catch (error) {
      if (error instanceof BlockError) return error.message
      throw error
    }
  }

  async #export(node: string, writable: boolean): Promise<Entry | string> {
    const address = await this.#server()
    if (typeof address === 'string') return address
    this.#serial += 1
    const id = `${PREFIX}${String(this.#serial)}`
    const reply = await this.#play.ask('block-export-add', {
      type: 'nbd',
      id,
      'node-name': node,
      name: id,
      writable,
    })
    if (reply.kind === 'error') return reply.desc
    const client = await this.connect(address, id).catch(async (error: unknown) => {
      if (!(error instanceof BlockError)) throw error
      // The server may be where nobody gets to it; the export must not outlive the step.
      await this.#play.ask('block-export-del', { id, mode: 'hard' })
      return error.message
    })
    if (typeof client === 'string') return client
    const close = (): Promise<void> => this.#closeExport(id, client)
    return { node, writable, device: nbdDevice(client), flights: [], users: 1, close }
  }

  async #releaseNow(opened: OpenExport): Promise<void> {
    const key = keyOf(opened.node, opened.writable)
    const entry = this.#open.get(key)
    if (entry === undefined) return
    entry.users = Math.max(0, entry.users - 1)
    if (entry.users > 0 || entry.flights.length > 0) return
    this.#open.delete(key)
    await entry.close()
  }

  async #closeExport(id: string, client: NbdClient): Promise<void> {
    await this.#play.limit(client.disconnect(), 'the NBD client')
    const { session, withinMs } = this.#play
    const seen = session.events.length
    const reply = await this.#play.ask('block-export-del', { id, mode: 'hard' })
    if (reply.kind === 'error') return
    await session.waitFor(
      () =>
        session.events.some(
          (event, index) => index >= seen && this.owns(event) && member(event.data, 'id') === id,
        ),
      withinMs,
      'the end of an export',
    )
  }

  /** A connection to an export of the scenario, or the words in which it was refused. */
  async openScenarioExport(exportId: string): Promise<ScenarioConnection | string | undefined> {
    const known = this.#connections.get(exportId)
    if (known !== undefined) return known
    const found = this.find(exportId)
    if (found === undefined) return undefined
    try {
      const client = await this.connect(found.address, found.name)
      const connection = { exportId, client, device: nbdDevice(client), flights: [] }
      this.#connections.set(exportId, connection)
      return connection
    } catch (error) {
      if (error instanceof BlockError) return error.message
      throw error
    }
  }

  /** Ends the connection unless requests are still under way. */
  async releaseScenarioExport(connection: ScenarioConnection): Promise<void> {
    if (connection.flights.length > 0) return
    this.#connections.delete(connection.exportId)
    await this.#disconnect(connection)
    // Only then the export is not in use any more, which the next step may ask for.
    await this.#play.limit(connection.client.ended, 'the end of an NBD connection')
  }

  #disconnect({ client }: ScenarioConnection): Promise<void> {
    return this.#play.limit(client.disconnect(), 'the NBD client')
  }

  /** Ends everything that is open, whatever is under way. */
  async closeAll(): Promise<void> {
    for (const connection of [...this.#connections.values()]) {
      this.#connections.delete(connection.exportId)
      await this.#disconnect(connection)
    }
    for (const entry of [...this.#open.values()]) {
      entry.flights.length = 0
      entry.users = 0
      await this.release(entry)
    }
  }

  /** Removes servers and objects of a case from a target that outlives it. */
  async withdraw(): Promise<void> {
    if ((this.#scenarioServer ?? this.#ownServer) !== undefined) {
      await this.#play.ask('nbd-server-stop')
    }
    for (const id of [...this.#objects].reverse()) await this.#play.ask('object-del', { id })
    this.forget()
  }

  async connect(address: SocketAddress, name: string): Promise<NbdClient> {
    const work = async (): Promise<NbdClient> => {
      const stream = await this.#play.station.host.sockets.connect(address)
      return NbdClient.connect(stream, { export: name, metaContexts: [ALLOCATION] })
    }
    return this.#play.limit(work(), 'the NBD connection')
  }

  /** Where the scenario's exports are served, with the NBD name of one. */
  find(exportId: string): { readonly address: SocketAddress; readonly name: string } | undefined {
    const address = this.#scenarioServer ?? this.#ownServer
    if (address === undefined) return undefined
    return { address, name: this.#names.get(exportId) ?? exportId }
  }

  /** A server for exports that the scenario declares without starting one. */
  async ensureServer(): Promise<string | undefined> {
    const address = await this.#inTurn(() => this.#server())
    return typeof address === 'string' ? address : undefined
  }

  addGuest(exportId: string): void {
    if (this.#scenarioServer === undefined) this.#guests.add(exportId)
  }

  /** Before a command of the scenario that could see the runner's server: make it go. */
  async hide(command: string): Promise<void> {
    if (!/nbd-server|export/.test(command)) return
    if (command === 'query-block-exports') return
    if (this.#ownServer === undefined || this.#guests.size > 0 || this.#open.size > 0) return
    this.#ownServer = undefined
    await this.#play.ask('nbd-server-stop')
  }

  /** After a command of the scenario that worked: what it means for servers and exports. */
  note(command: string, args: Value | undefined): void {
    const id = text(member(args, 'id'))
    switch (command) {
      case 'nbd-server-start':
        this.#scenarioServer = readAddress(member(args, 'addr'), this.#play.station)
        break
      case 'nbd-server-stop':
        this.#scenarioServer = undefined
        this.#names.clear()
        break
      case 'block-export-add': {
        const name = text(member(args, 'name')) ?? text(member(args, 'node-name'))
        if (id !== undefined && name !== undefined) this.#names.set(id, name)
        break
      }
      case 'object-add':
        if (id !== undefined) this.#objects.add(id)
        break
      case 'object-del':
        if (id !== undefined) this.#objects.delete(id)
        break
      case 'block-export-del':
        if (id !== undefined) this.#guests.delete(id)
        break
      default:
    }
  }

  async #server(): Promise<SocketAddress | string> {
    const known = this.#scenarioServer ?? this.#ownServer
    if (known !== undefined) return known
    const path = `${this.#play.station.socketDirectory}/blockspec-nbd.sock`
    this.#play.normaliser.addPath(path, 'sock:blockspec')
    const reply = await this.#play.ask('nbd-server-start', {
      addr: { type: 'unix', data: { path } },
    })
    if (reply.kind === 'error') return reply.desc
    this.#ownServer = { type: 'unix', path }
    return this.#ownServer
  }
}

/** A node may have one export to write and one to read. */
function keyOf(node: string, writable: boolean): string {
  return `${writable ? 'rw' : 'ro'} ${node}`
}

/** The legacy form of an address: `{type, data: {…}}`. */
function readAddress(
  addr: Value | undefined,
  { workingDirectory }: Station,
): SocketAddress | undefined {
  const data = member(addr, 'data') ?? addr
  if (!isMap(data)) return undefined
  const path = text(data['path'])
  if (path !== undefined && data['abstract'] === true) {
    return { type: 'unix', path, abstract: data['tight'] === false ? 'loose' : 'tight' }
  }
  if (path !== undefined) {
    const isElsewhere = workingDirectory !== undefined && path !== ''
    return { type: 'unix', path: isElsewhere ? resolve(workingDirectory, path) : path }
  }
  const host = text(data['host'])
  const port = Number(text(data['port']) ?? NaN)
  return host === undefined || Number.isNaN(port) ? undefined : { type: 'inet', host, port }
}
