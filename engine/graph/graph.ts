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
import { BlockError } from '../util/errors.ts'
import type { Json } from '../util/json.ts'
import { graphChanges } from './changes.ts'
import { checkTellable } from './corrupt.ts'
import { drainLingers } from './drain.ts'
import { dumpGraph } from './dump.ts'
import { findReference, type Environment, type RequestPaths } from './environment.ts'
import { nodeInfo, nodeStats, shownThrough, statisticsChild } from './info.ts'
import { closeIfUnused } from './lifecycle.ts'
import { GraphLock } from './lock.ts'
import { nameGenerator } from './name.ts'
import type { Node } from './node.ts'
import { innerNode } from './public-node.ts'
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
  /** No more requests of the user's own making until `drainedEnd`. Requests that come are held. */
  drainedBegin?(): void
  drainedEnd?(): void
  /** The node's length changed. */
  resized?(): void
}

export interface User extends BlockIo, Pick<Child, 'statusAbove'>, AsyncDisposable {
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

export interface FilenameAbout {
  /** Name of the driver; found by looking at the image where absent. */
  readonly format?: string
  /** Further options, nested or dotted, strings where values have types or not. */
  readonly options?: NodeOptions
  /** Leave the chain below closed: backing images are not opened. */
  readonly noBacking?: boolean
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
}

export interface Graph extends GraphChanges {
  /** Every node, oldest first. Queries list them newest first. */
  nodes(): readonly GraphNode[]
  findOrUndefined(name: string): GraphNode | undefined
  /** @throws {BlockError} `Failed to find node with node-name='x'` */
  find(name: string): GraphNode
  /** @throws {BlockError} `Cannot find device='x' nor node-name='x'` */
  findDeviceOrNode(name: string): GraphNode

  /** The same changes for whoever holds a drained section: all others wait for its end. */
  within(section: DrainedSection): GraphChanges

  /** @throws {BlockError} the conflict text; nothing changed. */
  attach(node: GraphNode, about: UserAbout): User

  info(node: GraphNode): NodeInfo
  /** Looks for damage in an image; nothing where the driver has no check. */
  check(node: GraphNode): Promise<CheckReport> | undefined
  stats(node: GraphNode): NodeStats
  /** The child that statistics call `file`, if any. */
  primaryChild(node: GraphNode): GraphNode | undefined
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
    lock: new GraphLock(),
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
    ...graphChanges(environment),
    within: (section) => graphChanges(environment, section),
    attach: (node, about) => new RootUser(environment, innerNode(node), about),
    info(node) {
      checkTellable(innerNode(node), profile)
      return nodeInfo(innerNode(node))
    },
    check: (node) => {
      const found = innerNode(node).instance.check?.()
      return found === undefined ? undefined : Promise.resolve(found)
    },
    stats: (node) => nodeStats(innerNode(node)),
    breakpoints: (node) => breakpointsOf(innerNode(node)),
    primaryChild: (node) => statisticsChild(innerNode(node)),
    drainLingers: (node) => drainLingers(innerNode(node)),
    hasRootUser: (node) =>
      innerNode(node).parents.some(({ parent }) => parent.asNode === undefined),
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
