/**
 * The graph as the rest of the engine sees it: nodes by name, opening and deleting them, changing
 * children, root users, drained sections, and what queries tell.
 */
import type {
  BackingHint,
  BitmapKeeper,
  BlockIo,
  CheckReport,
  Breakpoints,
  Child,
  Copier,
  Driver,
  InstanceInfo,
  Limits,
  NodeFlags,
  Services,
  WriteObserver,
} from '../block/driver.ts'
import type { Claims, PermissionName } from '../block/permission.ts'
import type { Random } from '../host/host.ts'
import type { Profile } from '../profiles/index.ts'
import { assert } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'
import type { Json } from '../util/json.ts'
import { canReplace } from './can-replace.ts'
import { graphChanges } from './changes.ts'
import { checkTellable } from './corrupt.ts'
import { filenameOf } from './describe.ts'
import { drainAll, drainLingers } from './drain.ts'
import { dumpGraph } from './dump.ts'
import { findNamed, findReference, type Environment, type RequestPaths } from './environment.ts'
import { nodeInfo, nodeStats, shownThrough, statisticsChild } from './info.ts'
import { findBackingImage } from './find-backing.ts'
import { freezeChain } from './freeze.ts'
import { closeIfUnused } from './lifecycle.ts'
import { JobParent } from './job-user.ts'
import { GraphLock } from './lock.ts'
import { nameGenerator } from './name.ts'
import type { Node } from './node.ts'
import { checkOperation, type Operation } from './op-blockers.ts'
import { innerNode } from './public-node.ts'
import { checkRoot, hasMedium } from './root.ts'
import { RootUser } from './user.ts'

/** What `blockdev-add` takes: generic options, the driver's own, children nested or by name. */
export type NodeOptions = Readonly<Record<string, unknown>>

/** One node, as commands see it. */
export interface GraphNode {
  readonly name: string
  readonly driver: Driver
  readonly flags: NodeFlags
  /** Created by a client and not deleted since. */
  readonly monitorOwned: boolean
  /** The image's structures are wrong; how far it is out of use is the profile's choice. */
  readonly corrupted: boolean
  /** Inserted by the engine, hidden where QEMU hides such nodes. */
  readonly implicit: boolean
  /** The one child that a filter shows unchanged. */
  readonly filteredChild: GraphNode | undefined
  /** The backing child of a node that is no filter. */
  readonly cowChild: GraphNode | undefined
  /** The child that holds the data, or that a filter shows. */
  readonly primaryChild: GraphNode | undefined
  /** Zeroing it may release storage, and its options allow that. */
  readonly unmapsByZeroing: boolean
  /** Told of every change of the data; add to it and delete from it. */
  readonly observers: Set<WriteObserver>
  /** Where the image can keep dirty bitmaps. */
  readonly bitmapKeeper: BitmapKeeper | undefined
  /** Shown by queries; engine/io keeps it, in 64 unsigned bits. 0 for none. */
  writeThreshold: bigint
  length(): number
  /** Begins a drained section: nothing new from root users, nothing in flight. */
  drained(scope?: DrainScope): Promise<DrainedSection>
}

/** Which requests a drained section waits for besides those of the node and its parents. */
export interface DrainScope {
  readonly subtree?: boolean
  /** A section that its holder has already: changes within that one are within this one too. */
  readonly along?: DrainedSection | undefined
}

/** Ends when disposed. */
export interface DrainedSection extends AsyncDisposable {
  end(): void
}

/** A use of a node by something that is no node: an export, a job, a command at work. */
export interface UserAbout extends Claims {
  /** As conflict texts name it; default `an unnamed block device`. */
  readonly description?: string
  /** Its name in the graph query; default empty. */
  readonly name?: string
  readonly type?: 'block-backend' | 'block-job'
  /** Name of its edge; default `root`. */
  readonly edgeName?: string
  /** Writes may go past the end of the node, which then grows, as where an image is made. */
  readonly writesPastEnd?: boolean
  /**
   * Its requests go on in drained sections, which wait for them: whoever makes them comes to rest
   * without being held back, as jobs do.
   */
  readonly goesOn?: boolean
  /** No more requests of the user's own making until `drainedEnd`. Requests that come are held. */
  drainedBegin?(): void
  drainedEnd?(): void
  /** The node's length changed. */
  resized?(): void
}

export interface User extends BlockIo, Pick<Child, 'statusAbove'>, AsyncDisposable {
  /** What it uses now, another one where a node was replaced; once closed, what it used last. */
  readonly node: GraphNode
  /** True inside a drained section; requests made now wait for its end. */
  readonly quiesced: boolean
  /** What the node below wants of requests; the path sees to it, clients may be told. */
  limits(): Limits
  /** @throws {BlockError} the conflict text; the old claims stay. */
  setClaims(claims: Claims): void
  drained(): Promise<DrainedSection>
  /** Detaches; the node goes too if nothing else holds it. Waits for the user's own requests. */
  close(): Promise<void>
}

/** What the graph must know of a job. */
export interface JobAbout {
  readonly id: string
  /** `commit`, `stream`, `mirror` or `backup`: conflict texts say `commit job 'id'`. */
  readonly type: string
  /** One of its nodes is drained: come to a rest, and let `end` say so. */
  drainedBegin?(): void
  /** The last such section has ended. */
  drainedEnd?(): void
}

/** A job's edges. They stay at their nodes when those are replaced at all other parents. */
export interface JobUser extends AsyncDisposable {
  /** True inside a drained section of one of its nodes. */
  readonly quiesced: boolean
  uses(node: GraphNode): boolean
  /**
   * Adds an edge and forbids operations on the node but those allowed.
   *
   * @throws {BlockError} the conflict text; nothing changed.
   */
  add(edgeName: string, node: GraphNode, claims: Claims, allowed?: readonly Operation[]): void
  /** The job is at work: drained sections of its nodes wait until as many `end`s. */
  begin(): void
  end(): void
  /** Takes all edges off, and what they forbade; nodes that nothing else holds go. */
  detach(): Promise<void>
  /** The same, and the job is no longer listed. */
  close(): Promise<void>
}

/** What queries tell of a node. */
export interface NodeInfo {
  readonly nodeName: string
  readonly driver: string
  readonly readOnly: boolean
  readonly cache: {
    readonly writeback: boolean
    readonly direct: boolean
    readonly noFlush: boolean
  }
  readonly detectZeroes: 'off' | 'on' | 'unmap'
  /** Plain, or `json:` with members in wire order. */
  readonly filename: string
  readonly encrypted: boolean
  readonly backingDepth: number
  readonly backingFile?: string
  readonly writeThreshold: bigint
  readonly image: ImageInfo
}

export interface ImageInfo {
  readonly filename: string
  readonly format: string
  readonly virtualSize: number
  readonly instance: InstanceInfo
  /** The backing image that the header names, and that name as seen from here. */
  readonly header?: BackingHint & { readonly fullFilename?: string }
  /** What a filter shows, or the backing image. */
  readonly backing?: ImageInfo
}

/** Per-node counters of `query-blockstats`. */
export interface NodeStats {
  /** End of the highest write so far, 0 before the first. */
  readonly writeHighestOffset: number
  readonly driverSpecific?: Readonly<Record<string, unknown>>
}

export interface GraphDump {
  readonly nodes: readonly {
    readonly id: number
    readonly type: 'block-driver' | 'block-backend' | 'block-job'
    readonly name: string
  }[]
  readonly edges: readonly {
    readonly parent: number
    readonly child: number
    readonly name: string
    readonly perm: readonly PermissionName[]
    readonly 'shared-perm': readonly PermissionName[]
  }[]
}

/** Three-argument form of `x-blockdev-change`; which combinations are legal is checked here. */
export interface ChildChange {
  readonly parent: string
  readonly child?: string
  readonly node?: string
}

/** What `change-backing-file` is told. */
export interface BackingChange {
  /** The node at the top of the chain. */
  readonly device: string
  readonly image: string
  /** Empty for none. */
  readonly backingFile: string
}

/** A node that somebody opened for a while. */
export interface HeldNode {
  readonly node: GraphNode
  release(): Promise<void>
}

export interface FilenameAbout {
  /** Name of the driver; found by looking at the image where absent. */
  readonly format?: string
  /** Further options, nested or dotted, strings where values have types or not. */
  readonly options?: NodeOptions
  /** Leave the chain below closed: backing images are not opened. */
  readonly noBacking?: boolean
}

/** A filter that a job puts into a chain. */
export interface FilterAbout {
  /** The node that it is put above. */
  readonly above: GraphNode
  /**
   * A driver that no client can name, whose node is put in place at once; or the name of a listed
   * one, whose node is opened over its children first, as QEMU does with either.
   */
  readonly driver: Driver | string
  /** The client's choice of a name; without it one is made up and the node is implicit. */
  readonly name?: string | undefined
  /** Not implicit, even without a name. */
  readonly visible?: boolean
  readonly readOnly?: boolean
  /** Own options of a listed driver. */
  readonly options?: NodeOptions
  /** Children of a listed driver besides `file`. */
  readonly children?: Readonly<Record<string, GraphNode>>
  /** Links to the filter are not to be frozen by others: it is dropped when its own job ends. */
  readonly neverFreeze?: boolean
}

/** An image that is made for a command, with the defaults of its format. */
export interface NewImage {
  readonly filename: string
  readonly format: string
  /** Size of the disk. */
  readonly bytes: number
  readonly backing: { readonly filename: string; readonly format: string }
}

/** The image of an overlay. */
export interface OverlayFile {
  readonly filename: string
  readonly format: string
  /** Name of its node; made up where absent. */
  readonly name: string | undefined
}

export interface IntermediateAbout {
  /** The highest node that is taken out of the chain. */
  readonly top: GraphNode
  readonly base: GraphNode
  /** What headers are to say instead of the name of `base`. */
  readonly backingFile?: string | undefined
}

/** What changes the graph. Changes take turns; what is refused leaves all as it was. */
export interface GraphChanges {
  /** `blockdev-add`. On failure the graph is as before. */
  add(options: NodeOptions): Promise<GraphNode>
  /**
   * Opens an image by its name: a path, `json:` or another name with a protocol, looking for the
   * format unless `format` says it. The node belongs to the client, as one of `add` does, and goes
   * with `remove`.
   */
  addFilename(filename: string | undefined, about?: FilenameAbout): Promise<GraphNode>
  /** Opens a node, which lives until it is let go of and nothing else refers to it. */
  open(options: NodeOptions): Promise<HeldNode>
  /** `blockdev-reopen`: all of the nodes become what is restated, or none. */
  reopen(list: readonly NodeOptions[]): Promise<void>
  /** `change-backing-file` */
  changeBackingFile(change: BackingChange): Promise<void>
  /** `blockdev-del` */
  remove(name: string): Promise<void>
  /** `x-blockdev-change` */
  changeChild(change: ChildChange): Promise<void>
  /** `block_resize` of a node, after the argument checks of the command. */
  resize(node: GraphNode, bytes: number): Promise<void>
  /**
   * Puts a new filter above a node, below all that was above it but jobs. The filter lives until
   * `dropFilter`. On failure the graph is as before.
   */
  insertFilter(about: FilterAbout): Promise<GraphNode>
  /** Takes a filter out again; while a job has an edge to it, it stays and shows nothing. */
  dropFilter(filter: GraphNode): Promise<void>
  /**
   * Leads all edges to a node, but those of jobs and of nodes below the other one, to another node.
   * Edges keep their names and places. On failure the graph is as before.
   */
  replaceNode(node: GraphNode, next: GraphNode): Promise<void>
  /** Makes an image file. On failure the file may be there and hold no image. */
  createImage(about: NewImage): Promise<void>
  /** Opens an image, without a backing image of its own, with the flags of a node. */
  openOverlay(node: GraphNode, about: OverlayFile): Promise<HeldNode>
  /** Puts an overlay above a drained node, below all else that was above it. */
  putOverlay(node: GraphNode, overlay: GraphNode): Promise<void>
  /** What a commit does in the end: overlays of `top` become overlays of `base`, headers too. */
  dropIntermediate(about: IntermediateAbout): Promise<void>
  /** Claims of a node's driver have changed. @throws {BlockError} the conflict text. */
  settleClaims(node: GraphNode): Promise<void>
  /** Opens the backing image that the header names, where that was left closed. */
  openBacking(node: GraphNode): Promise<void>
  /** Another backing image, or none; the header stays as it is. */
  setBacking(node: GraphNode, backing: GraphNode | undefined): Promise<void>
  /** Writes the name of a backing image, or that there is none, into an image's header. */
  writeBacking(node: GraphNode, hint: BackingHint | undefined): Promise<void>
  /** Reopens a node, and below it what was opened for it. */
  setReadOnly(node: GraphNode, readOnly: boolean): Promise<void>
}

export interface Graph extends GraphChanges {
  /** Every node, oldest first. Queries list them newest first. */
  nodes(): readonly GraphNode[]
  findOrUndefined(name: string): GraphNode | undefined
  /** @throws {BlockError} `Failed to find node with node-name='x'` */
  find(name: string): GraphNode
  /** @throws {BlockError} `Cannot find device='x' nor node-name='x'` */
  findDeviceOrNode(name: string): GraphNode
  /** @throws {BlockError} `Cannot find device='' nor node-name='x'` */
  findNamed(name: string): GraphNode
  /** The image below a node that a file name means: as headers store it, or of the same file. */
  findBackingImage(top: GraphNode, filename: string): GraphNode | undefined

  /** Begins a drained section of all nodes together. */
  drainedAll(): Promise<DrainedSection>
  /** The same, but others may change the graph meanwhile: for the end of all things. */
  quiesceAll(): Promise<DrainedSection>

  /** The same changes for whoever holds a drained section: all others wait for its end. */
  within(section: DrainedSection): GraphChanges

  /** @throws {BlockError} the conflict text; nothing changed. */
  attach(node: GraphNode, about: UserAbout): User
  /** A job without edges; it lists them in `x-debug-query-block-graph` from now on. */
  attachJob(about: JobAbout): JobUser

  /** @throws {BlockError} where a backing link or a job forbids it: `Node 'x' is busy: …`. */
  checkOperation(node: GraphNode, operation: Operation): void
  /**
   * As commands ask that start at the top of a chain.
   *
   * @throws {BlockError} where a node or a job uses it, or its image is out of use.
   */
  checkRoot(node: GraphNode): void
  /** Whether neither the node nor any below it is out of use. */
  hasMedium(node: GraphNode): boolean

  /** Forbids all operations on a node until the returned function is called. */
  blockOperations(node: GraphNode, reason: string): () => void
  /** Whether a node of the data of `shown` may take the place of `node`: nobody's data would change. */
  canReplace(shown: GraphNode, node: GraphNode): boolean
  /** Keeps a node alive until the returned function is called. */
  hold(node: GraphNode): () => Promise<void>
  /**
   * Forbids to change the links from a node down to another one in its chain, until the returned
   * function is called.
   *
   * @throws {BlockError} where somebody else forbade it, or a filter of a job lies between.
   */
  freeze(top: GraphNode, bottom: GraphNode): () => void

  flush(node: GraphNode): Promise<void>
  /** What would open the node again: a plain file name, or `json:` and options. */
  filename(node: GraphNode): string
  info(node: GraphNode): NodeInfo
  /** Looks for damage in an image; nothing where the driver has no check. */
  check(node: GraphNode): Promise<CheckReport> | undefined
  stats(node: GraphNode): NodeStats
  /** The child that statistics call `file`, if any. */
  primaryChild(node: GraphNode): GraphNode | undefined
  /** What copies before it writes, if the node's driver does that. */
  copier(node: GraphNode): Copier | undefined
  /** Those of the node, or of the first below it that has some. */
  breakpoints(node: GraphNode): Breakpoints | undefined
  backingChild(node: GraphNode): GraphNode | undefined
  /** A drained section of the node takes a turn to begin: its driver, or one above, lets go first. */
  drainLingers(node: GraphNode): boolean
  /** Something that is no node uses it. */
  hasRootUser(node: GraphNode): boolean
  /** What a filter shows, or the backing child. */
  shownThrough(node: GraphNode): GraphNode | undefined
  dump(): GraphDump
  /** Drains all nodes, deletes the monitor's, newest first. Users must be closed already. */
  close(): Promise<void>
}

export interface GraphAbout {
  readonly drivers: readonly Driver[]
  readonly services: Services
  readonly random: Random
  /** `requestPaths` of engine/io. */
  readonly paths: RequestPaths
  /** Reads what follows `json:` in file names. @throws {BlockError} for what is no JSON. */
  readonly parseJson: (text: string) => Json
  readonly profile: Profile
}

export function createGraph(about: GraphAbout): Graph {
  const { drivers, services, random, paths, parseJson, profile } = about
  const environment: Environment = {
    drivers: new Map(drivers.map((driver) => [driver.name, driver])),
    services,
    paths,
    parseJson,
    profile,
    nodes: new Map(),
    users: new Set(),
    jobs: new Set(),
    lock: new GraphLock(),
    unreadable: new Set(),
    nextName: nameGenerator(random),
  }
  const { nodes } = environment
  return {
    nodes: () => [...nodes.values()],
    findOrUndefined: (name) => nodes.get(name),
    find(name) {
      const node = nodes.get(name)
      if (node !== undefined) return node
      throw new BlockError(`Failed to find node with node-name='${name}'`, { errno: 'ENODEV' })
    },
    findDeviceOrNode: (name) => findReference(environment, name),
    findNamed: (name) => findNamed(environment, name),
    findBackingImage: (top, filename) => findBackingImage(environment, innerNode(top), filename),
    ...graphChanges(environment),
    drainedAll: async () => environment.lock.hold(await drainAll([...nodes.values()])),
    quiesceAll: () => drainAll([...nodes.values()]),
    within: (section) => graphChanges(environment, section),
    attach: (node, about) => new RootUser(environment, innerNode(node), about),
    attachJob: (about) => new JobParent(environment, about),
    checkOperation: (node, operation) => {
      checkOperation(innerNode(node), operation)
    },
    checkRoot: (node) => {
      checkRoot(innerNode(node))
    },
    hasMedium: (node) => hasMedium(innerNode(node)),
    hold(node) {
      const held = innerNode(node)
      held.holds++
      return () => {
        held.holds--
        return closeIfUnused(environment, held)
      }
    },
    freeze(top, bottom) {
      const thaw = freezeChain(innerNode(top), bottom.name)
      assert(thaw !== undefined, `${bottom.name} is not in the chain of ${top.name}`)
      return thaw
    },
    flush: async (node) => innerNode(node).io.flush(),
    filename: (node) => filenameOf(innerNode(node)),
    blockOperations: (node, reason) => innerNode(node).opBlockers.block(reason),
    canReplace: (shown, node) => canReplace(innerNode(shown), innerNode(node)),
    info(node) {
      checkTellable(innerNode(node), profile)
      return nodeInfo(innerNode(node))
    },
    check: (node) => {
      const found = innerNode(node).instance.check?.()
      return found === undefined ? undefined : Promise.resolve(found)
    },
    stats: (node) => nodeStats(innerNode(node)),
    copier: (node) => innerNode(node).instance.copier,
    breakpoints: (node) => breakpointsOf(innerNode(node)),
    primaryChild: (node) => statisticsChild(innerNode(node)),
    drainLingers: (node) => drainLingers(innerNode(node)),
    hasRootUser: (node) => innerNode(node).parents.some(({ parent }) => parent.kind === 'user'),
    shownThrough: (node) => shownThrough(innerNode(node)),
    backingChild: (node) => innerNode(node).children.find(({ role }) => role.cow)?.child,
    dump: () => dumpGraph(environment),
    close: () => closeAll(environment),
  }
}

function breakpointsOf(node: Node): Breakpoints | undefined {
  if (node.isOpen && node.instance.breakpoints !== undefined) return node.instance.breakpoints
  return node.primaryChild === undefined ? undefined : breakpointsOf(node.primaryChild)
}

async function closeAll(environment: Environment): Promise<void> {
  for (const node of [...environment.nodes.values()].toReversed()) {
    if (!node.monitorOwned) continue
    node.monitorOwned = false
    await closeIfUnused(environment, node)
  }
}
