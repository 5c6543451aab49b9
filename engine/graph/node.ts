/** Nodes and the edges between them. Changes go through `edge.ts`, which keeps both ends true. */
import type {
  BitmapKeeper,
  Child,
  ChildRole,
  Driver,
  Instance,
  Limits,
  WriteObserver,
} from '../block/driver.ts'
import { WRITE, type Claims } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import { Activity } from './activity.ts'
import { ChildHandle } from './child-handle.ts'
import { beginDrained } from './drain.ts'
import type { NodeIo } from './environment.ts'
import type { OwnOptions } from './coerce.ts'
import type { LiveFlags } from './flags.ts'
import { takeNested, type FlatOptions } from './flat.ts'
import { limitsOf } from './limits.ts'
import { OpBlockers } from './op-blockers.ts'
import type { GraphLock } from './lock.ts'
import type { DrainedSection, DrainScope, GraphNode } from './graph.ts'
import { MAX_LENGTH, SECTOR_BYTES } from '../block/length.ts'
import { alignUp } from '../util/align.ts'
import { BlockError, errnoText, ioError } from '../util/errors.ts'

/** Whatever can be at the upper end of an edge. */
export interface Parent {
  readonly kind: 'node' | 'user' | 'job'
  /** The parent node; absent for users and jobs. */
  readonly asNode: Node | undefined
  /** The node's name, or the client's name for the user's device. */
  readonly name: string
  /** As conflict texts name it. */
  readonly description: string
  /** Its requests in flight. */
  readonly activity: Activity
  /** Where it leads, newest first. */
  readonly edges: readonly Edge[]
  /** Whether what it uses has to stay in its thread. */
  readonly keepsHome: boolean
  drainedBegin(): void
  drainedEnd(): void
  /** The length of the node below changed. */
  childResized(): void
}

export class Edge {
  readonly parent: Parent
  readonly name: string
  readonly role: ChildRole
  /** The node below. Only `edge.ts` changes it. */
  child: Node
  claims: Claims
  /** Somebody relies on where the edge leads: no command may change that. */
  frozen = false
  /** Undoes what the edge forbids at the node below. */
  unblock: (() => void) | undefined
  /** What stays the same for the parent's driver when another edge takes this one's place. */
  readonly seat: ChildHandle

  constructor(about: EdgeAbout) {
    this.parent = about.parent
    this.name = about.name
    this.role = about.role
    this.child = about.child
    this.claims = about.claims
    this.seat = about.replaces?.seat ?? new ChildHandle(this)
  }

  /** How the parent's driver sees the node below. */
  get handle(): Child {
    return this.seat
  }
}

export interface EdgeAbout {
  readonly parent: Parent
  readonly name: string
  readonly role: ChildRole
  readonly child: Node
  readonly claims: Claims
  /** The edge whose place this one is to take. */
  readonly replaces?: Edge | undefined
  /** Whoever makes it looks for cycles once all is in place. */
  readonly mayCycle?: boolean
}

/** A node's options without those of its children. */
export interface NodeOptionSets {
  /** What was asked for. */
  readonly explicit: FlatOptions
  /** The same, with what was inherited and what names said. */
  readonly options: FlatOptions
}

export class Node implements Parent, GraphNode {
  readonly kind = 'node'
  readonly name: string
  readonly driver: Driver
  readonly flags: LiveFlags
  /** The driver's own options. */
  given: OwnOptions = { own: {}, checked: {} }
  explicit: FlatOptions
  options: FlatOptions
  /** The node whose options this one's were nested in, or whose header named it. */
  inheritsFrom: Node | undefined
  /** Whoever opened it left its backing image closed, whatever its header says. */
  openedAlone = false
  /** As with 7.2, a node that was reopened does not know any more that it was opened as storage. */
  wasReopened = false
  /** What the backing image is called that is opened where nothing else is asked for. */
  autoBacking = ''
  /** The children as the driver sees them, oldest first. */
  readonly handles = new Map<string, Child>()
  /** The node's requests in flight and drained sections. */
  readonly activity = new Activity()
  /** Newest first: the order in which conflicts are looked for. */
  readonly parents: Edge[] = []
  /** Newest first. */
  readonly children: Edge[] = []
  monitorOwned = false
  readonly keepsHome = false
  /** The iothread where it is at home, by its path; absent: the main thread. */
  home: string | undefined
  /** Where the image turned out to be corrupt: whether it may still be read. */
  #ruin: 'readable' | 'unreadable' | undefined
  implicit = false
  /** No job may rely on links to this node: it goes when its own job ends. */
  neverFreeze = false
  readonly opBlockers = new OpBlockers()
  /** References of commands at work, which keep the node alive. */
  holds = 0
  /** Statistics of the request path. */
  writeHighestOffset = 0
  /** Told of every change of the data, in the order in which they came. */
  readonly observers = new Set<WriteObserver>()
  writeThreshold = 0n
  readonly lock: GraphLock
  #instance: Instance | undefined
  #io: NodeIo | undefined
  #length = 0
  #limits: Limits | undefined

  constructor(
    lock: GraphLock,
    name: string,
    driver: Driver,
    flags: LiveFlags,
    sets: NodeOptionSets,
  ) {
    this.lock = lock
    this.name = name
    this.driver = driver
    this.flags = flags
    this.explicit = sets.explicit
    this.options = sets.options
  }

  get edges(): readonly Edge[] {
    return this.children
  }

  get asNode(): this {
    return this
  }

  get description(): string {
    return `node '${this.name}'`
  }

  get filteredChild(): Node | undefined {
    return this.children.find(({ role }) => role.filtered === true)?.child
  }

  get cowChild(): Node | undefined {
    return this.children.find(({ role }) => role.cow === true)?.child
  }

  get primaryChild(): Node | undefined {
    return this.children.find(({ role }) => role.primary === true)?.child
  }

  get isOpen(): boolean {
    return this.#instance !== undefined
  }

  /** What opening found out that options do not tell. */
  get found(): Readonly<Record<string, string>> {
    return this.#instance?.found ?? {}
  }

  get instance(): Instance {
    assert(this.#instance !== undefined, `node ${this.name} is not open`)
    return this.#instance
  }

  /** The node's request path. */
  get io(): NodeIo {
    assert(this.#io !== undefined, `node ${this.name} is not open`)
    return this.#io
  }

  /** Called once, by `open.ts`. */
  opened(instance: Instance, io: NodeIo): void {
    this.#instance = instance
    this.#io = io
    this.refreshLimits()
  }

  get bitmapKeeper(): BitmapKeeper | undefined {
    return this.#instance?.bitmapKeeper
  }

  /** It is corrupt and may still be read, by those who do so already. */
  get readableRuin(): boolean {
    return this.#ruin === 'readable'
  }

  get outOfUse(): boolean {
    return this.#ruin === 'unreadable'
  }

  get corrupted(): boolean {
    return this.#ruin !== undefined
  }

  /** The image is corrupt: from now on requests go another way. */
  giveUp(io: NodeIo, readable: boolean): void {
    this.#io = io
    this.#ruin = readable ? 'readable' : 'unreadable'
  }

  /** Takes the header's word for which backing image there is. */
  noteHeader(): void {
    this.autoBacking = this.instance.backing?.()?.filename ?? ''
  }

  /** What is said of children is theirs, and not kept twice. */
  dropChildOptions(): void {
    const lists = Object.entries(this.driver.children).filter(([, { list }]) => list === true)
    const names = [...this.children, ...lists.map(([name]) => ({ name }))]
    for (const { name } of names) {
      for (const options of [this.options, this.explicit]) {
        takeNested(options, name)
        options.delete(name)
      }
    }
  }

  /** Children came or went. Those that stayed keep their place, wherever they lead by now. */
  childrenChanged(): void {
    const names = new Set(this.children.map(({ name }) => name))
    for (const name of this.handles.keys()) if (!names.has(name)) this.handles.delete(name)
    for (const edge of this.children.toReversed()) this.handles.set(edge.name, edge.handle)
  }

  /** Virtual disk size in bytes, a multiple of 512. @throws {BlockError} if it is out of use. */
  length(): number {
    if (this.outOfUse) throw ioError('ENOMEDIUM')
    if (this.#instance?.liveLength === true) {
      return alignUp(Math.max(0, this.#instance.length()), SECTOR_BYTES)
    }
    return this.#length
  }

  /**
   * As they were when the node was opened, or reopened last: as in 7.2, nodes above do not hear of
   * it, nor does it hear of children that come and go.
   */
  limits(): Limits {
    return (this.#limits ??= limitsOf(this))
  }

  refreshLimits(): void {
    this.#limits = limitsOf(this)
  }

  /** Reads the length anew. @throws {BlockError} where the driver cannot tell. */
  refreshLength(): void {
    const bytes = lengthOf(this.instance)
    const changed = bytes !== this.#length
    this.#length = bytes
    // What has its length from a child has told its parents when the child did.
    if (changed && this.instance.liveLength !== true) this.#tellResized()
  }

  /** A write went past the end. */
  grewTo(bytes: number): void {
    if (bytes <= this.#length) return
    this.#length = alignUp(bytes, SECTOR_BYTES)
    this.#tellResized()
  }

  childResized(): void {
    if (this.#instance?.liveLength === true) this.#tellResized()
  }

  #tellResized(): void {
    for (const observer of this.observers) observer.resized?.(this.length())
    for (const edge of [...this.parents]) edge.parent.childResized()
  }

  drainedBegin(): void {
    if (!this.activity.enterSection()) return
    for (const edge of [...this.parents]) edge.parent.drainedBegin()
    this.#instance?.drainedBegin?.()
  }

  drainedEnd(): void {
    if (!this.activity.leaveSection()) return
    this.#instance?.drainedEnd?.()
    for (const edge of [...this.parents]) edge.parent.drainedEnd()
  }

  drained(scope?: DrainScope): Promise<DrainedSection> {
    return this.lock.section(() => beginDrained(this, scope), scope?.along)
  }

  get hasWriter(): boolean {
    return this.parents.some(({ claims }) => (claims.uses & WRITE) !== 0)
  }

  get unmapsByZeroing(): boolean {
    return this.flags.discard && this.#instance?.supports?.unmapZero === true
  }

  get waitsForNobody(): boolean {
    return this.driver.waitsForNobody && this.children.every(({ child }) => child.waitsForNobody)
  }

  get readsAtOnce(): boolean {
    const said = this.#instance?.readsAtOnce?.()
    if (said !== undefined) return said
    return this.driver.waitsForNobody && this.children.every(({ child }) => child.readsAtOnce)
  }

  edge(name: string): Edge | undefined {
    return this.children.find((edge) => edge.name === name)
  }
}

function lengthOf(instance: Instance): number {
  const describe = (errno: string) => `Could not refresh total sector count: ${errno}`
  try {
    const bytes = instance.length()
    if (bytes > MAX_LENGTH) {
      throw new BlockError('too large', { errno: 'EFBIG' })
    }
    return alignUp(Math.max(0, bytes), SECTOR_BYTES)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new BlockError(describe(errnoText(error.errno)), { errno: error.errno, cause: error })
  }
}
