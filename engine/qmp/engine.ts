/** One engine: a graph, its exports and objects, and the monitors through which clients reach them. */
import { findBitmap, listBitmap, nodeBitmaps } from '../bitmap/dirty-bitmaps.ts'
import type { Driver, LogForm, Services } from '../block/driver.ts'
import { FileQueue } from '../block/file-queue.ts'
import { driversIn } from '../block/in-profile.ts'
import { checkLists, listedDrivers, NO_LISTS, type WhiteLists } from '../block/white-lists.ts'
import { DRIVERS } from '../drivers/index.ts'
import type { Exports } from '../exports/exports.ts'
import { createExports } from '../exports/exports.ts'
import type { NodeDevice } from '../exports/node-device.ts'
import { openNodeDevice, shownDevice } from '../exports/node-device.ts'
import type { Graph, NodeOptions } from '../graph/graph.ts'
import { createGraph } from '../graph/graph.ts'
import type { ByteStream, Host } from '../host/host.ts'
import { requestPaths } from '../io/paths.ts'
import { Jobs } from '../jobs/registry.ts'
import type { Profile, ProfileName } from '../profiles/index.ts'
import { PROFILES } from '../profiles/index.ts'
import type { Json } from '../util/json.ts'
import { Turns } from '../util/turns.ts'
import type { Command } from './command.ts'
import { createCommands } from './commands/index.ts'
import type { Answer } from './dispatch.ts'
import { createDebug, type EngineDebug } from './debug.ts'
import { dispatch } from './dispatch.ts'
import { isOutOfBand } from './envelope.ts'
import { EventBus } from './events.ts'
import { iothreadType } from './object-kinds/iothread.ts'
import { parseJsonText } from './json/text.ts'
import { findObject } from './object-tree.ts'
import { OBJECT_TYPES } from './object-types.ts'
import type { ObjectType } from './objects.ts'
import { Objects } from './objects.ts'
import type { Chardev, EngineParts } from './parts.ts'
import { ACCEPT_ALL, PolicyCrash, type Compat } from './policy.ts'
import type { MonitorState } from './session.ts'
import { Session } from './session.ts'

export interface EngineOptions {
  readonly host: Host
  /** `qemu` unless said otherwise; a table is for those who ask what one switch changes. */
  readonly profile?: ProfileName | Profile
  /** What is refused or hidden; all is accepted and shown unless said otherwise. */
  readonly compat?: Partial<Compat>
  /** Which drivers may be used; all unless said otherwise. */
  readonly whiteLists?: WhiteLists
  /** Takes what a daemon would print on standard error, line by line. */
  readonly log?: (line: string, form?: LogForm) => void
}

export interface MonitorOptions {
  readonly pretty?: boolean
}

export interface Engine {
  /** Serves one QMP client on the stream: greeting, negotiation, commands, events. */
  openMonitor(stream: ByteStream, options?: MonitorOptions): void
  /**
   * The exit status; settles after `quit`, `shutdown()` or a driver's wish, when all is closed.
   * Rejects for a bug in the engine.
   */
  readonly finished: Promise<number>
  /** Stops requests at events and lets them go. */
  readonly debug: EngineDebug
  /**
   * Opens a node, named in its options, for I/O by the caller.
   *
   * @throws {BlockError} where it cannot be opened, or not so.
   */
  openDevice(options: NodeOptions, access: { readonly writable: boolean }): Promise<NodeDevice>
  /**
   * Shows a node that is there already as an NBD export would, which then needs no server.
   *
   * @returns nothing while a server runs that is not the caller's: its clients see nodes then.
   * @throws {BlockError} what `block-export-add` would say against that.
   */
  showDevice(name: string, access: ShownAccess): NodeDevice | undefined
  /** Resolves where a command that came in now would be answered, had it nothing to do. */
  settled(): Promise<void>
  /** Closes exports, then nodes, as the daemon does at its end. */
  shutdown(): Promise<void>
}

export interface ShownAccess {
  readonly writable: boolean
  /** A server that runs was started by the caller, and exports nothing but for the caller. */
  readonly ownsServer?: boolean
}

export function createEngine(options: EngineOptions): Engine {
  return new EngineProcess(options)
}

/** The engine with the parts that the daemon's command line works on. */
export class EngineProcess implements Engine, EngineParts {
  readonly host: Host
  readonly profile: Profile
  compat: Compat
  readonly graph: Graph
  readonly exports: Exports
  readonly jobs: Jobs
  readonly services: Services
  readonly objects: Objects
  readonly events: EventBus
  readonly commands: ReadonlyMap<string, Command>
  readonly drivers: readonly Driver[]
  readonly objectTypes: readonly ObjectType[] = OBJECT_TYPES
  readonly chardevs: Chardev[] = []
  readonly debug: EngineDebug
  readonly finished: Promise<number>
  readonly #sessions = new Set<Session>()
  readonly #turns = new Turns()
  readonly #settle: {
    readonly resolve: (status: number) => void
    readonly reject: (bug: unknown) => void
  }
  /** Set when the end has begun. */
  #status: number | undefined
  #closing: Promise<void> | undefined

  /** @throws {BlockError} for white lists with names of no driver. */
  constructor(options: EngineOptions) {
    const { host, profile = 'qemu', compat = {}, whiteLists = NO_LISTS } = options
    const { log = () => undefined } = options
    this.host = host
    this.profile = typeof profile === 'string' ? PROFILES[profile] : profile
    this.compat = { ...ACCEPT_ALL, ...compat }
    const drivers = driversIn(this.profile, DRIVERS)
    checkLists(drivers, whiteLists)
    this.drivers = listedDrivers(drivers, whiteLists, this.profile['drivers.readOnly'])
    this.events = new EventBus(host.clock)
    this.services = {
      profile: this.profile,
      clock: host.clock,
      files: host.files,
      fileQueue: new FileQueue(host.clock),
      sockets: host.sockets,
      compression: host.compression,
      account: host.account,
      emit: (event, data) => this.events.emit(event, data),
      object: (type, id) => this.objects.instance(type, id),
      log,
      exit: (status) => this.#exit(status),
      bitmaps: (node) => nodeBitmaps(this.graph.find(node), this.graph),
      listBitmap: (node, bitmap) => listBitmap(this.graph.find(node), bitmap),
      node: (name) => {
        const node = this.graph.findOrUndefined(name)
        return node && { isFilter: node.driver.kind === 'filter', outOfUse: node.outOfUse }
      },
      dirtyBitmap: (node, name) => findBitmap(this.graph, { node, name }).bitmap,
    }
    this.objects = new Objects(this.objectTypes, host.files)
    this.graph = createGraph({
      drivers: this.drivers,
      services: this.services,
      random: host.random,
      paths: requestPaths,
      parseJson: parseJsonText,
      profile: this.profile,
    })
    this.debug = createDebug(this.graph)
    this.exports = createExports({
      graph: this.graph,
      sockets: host.sockets,
      object: (type, id) => this.objects.instance(type, id),
      threadOf: (id) => findObject(iothreadType.name, id, this)?.path,
      emit: (event, data) => this.events.emit(event, data),
      log,
    })
    this.jobs = new Jobs({
      graph: this.graph,
      clock: host.clock,
      emit: (event, data) => this.events.emit(event, data),
      turn: (work) => this.#turns.take(work),
      beside: (work) => this.#turns.beside(work),
      bug: (bug) => this.#fail(bug),
    })
    this.commands = commandsOf(this.profile, this.drivers)
    const finished = withResolvers<number>()
    this.finished = finished.promise
    this.#settle = finished
  }

  openMonitor(stream: ByteStream, { pretty = false }: MonitorOptions = {}): void {
    if (this.#status !== undefined) {
      stream.destroy()
      return
    }
    const session: Session = new Session(stream, {
      pretty,
      answer: (value, monitor) => this.#answer(value, monitor),
      answered: () => this.#answered(),
      closed: () => {
        this.#sessions.delete(session)
        unsubscribe()
      },
    })
    const unsubscribe = this.events.subscribe((event) => session.notify(event))
    this.#sessions.add(session)
  }

  openDevice(options: NodeOptions, access: { readonly writable: boolean }): Promise<NodeDevice> {
    return openNodeDevice(this.graph, options, access)
  }

  showDevice(name: string, { writable, ownsServer = false }: ShownAccess): NodeDevice | undefined {
    if (this.exports.serverRunning && !ownsServer) return undefined
    return shownDevice(this.graph, name, { writable })
  }

  /** What is refused or hidden from now on. */
  setCompat(compat: Partial<Compat>): void {
    this.compat = { ...this.compat, ...compat }
  }

  settled(): Promise<void> {
    return this.#turns.take(() => this.jobs.settle())
  }

  async shutdown(): Promise<void> {
    await this.#end(0)
  }

  /** Everything closes now; the client is still answered, and then the engine is finished. */
  async quit(status = 0): Promise<void> {
    this.#status ??= status
    await this.#close()
  }

  async #end(status: number): Promise<void> {
    await this.quit(status)
    this.#answered()
  }

  /** Ends at once, as the C library's `exit` does: nobody is answered and nobody told. */
  #exit(status: number): void {
    if (this.#status !== undefined) return
    this.#status = status
    this.#answered()
    // The engine is over; what becomes of its parts matters to nobody.
    this.#close().catch(() => undefined)
  }

  #close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #answer(value: Json, monitor: MonitorState): Promise<Answer> {
    const urgent = monitor.oobEnabled && isOutOfBand(value)
    const work = async (): Promise<Answer> => {
      const answer = await dispatch(value, { engine: this, monitor })
      await this.jobs.settle()
      return answer
    }
    try {
      return urgent ? await work() : await this.#turns.take(work)
    } catch (bug) {
      if (bug instanceof PolicyCrash) this.#exit(ABORTED)
      else this.#fail(bug)
      return {}
    }
  }

  async #closeAll(): Promise<void> {
    await this.exports.closeAll()
    // As in 7.2: what still runs is told to pause before it is cancelled.
    const section = await this.graph.quiesceAll()
    await this.jobs.closeAll()
    section.end()
    await this.graph.close()
  }

  #fail(bug: unknown): void {
    this.#settle.reject(bug)
    for (const session of [...this.#sessions]) session.close()
  }

  /** An answer went out; if it was the last one, the engine is finished. */
  #answered(): void {
    if (this.#status === undefined) return
    this.events.close()
    for (const session of [...this.#sessions]) session.close()
    this.#settle.resolve(this.#status)
  }
}

/** The exit status of a program that was told to die of what it was sent. */
export const ABORTED = 134

/** They are data that no engine changes, and many engines are made one after the other. */
const COMMANDS = new WeakMap<readonly Driver[], ReadonlyMap<string, Command>>()

function commandsOf(profile: Profile, drivers: readonly Driver[]): ReadonlyMap<string, Command> {
  const known = COMMANDS.get(drivers)
  if (known !== undefined) return known
  const made = createCommands({ profile, drivers, objectTypes: OBJECT_TYPES })
  COMMANDS.set(drivers, made)
  return made
}

/** As `Promise.withResolvers`, which our oldest Node lacks. */
function withResolvers<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
} {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
