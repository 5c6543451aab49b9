/**
 * The graph as the rest of the engine sees it: nodes by name, opening and deleting them, changing
 * children, root users, drained sections, and what queries tell.
 */
import type {
  Breakpoints,
  CheckAbout,
  CheckReport,
  Copier,
  Driver,
  NewImageFile,
  Services,
} from '../block/driver.ts'
import type { ImageOption } from '../block/image-options.ts'
import { driversIn } from '../block/in-profile.ts'
import type { Random } from '../host/host.ts'
import type { Profile } from '../profiles/index.ts'
import { assert } from '../util/assert.ts'
import type { Json } from '../util/json.ts'
import { blockGraph } from './block-graph.ts'
import { bitmapNode } from './bitmap-node.ts'
import { canReplace } from './can-replace.ts'
import { graphChanges } from './changes.ts'
import { refreshClaims } from './claims.ts'
import { checkTellable } from './corrupt.ts'
import { filenameOf } from './describe.ts'
import { drainAll, drainLingers } from './drain.ts'
import { dumpGraph } from './dump.ts'
import {
  findNamed,
  findNode,
  findReference,
  type Environment,
  type RequestPaths,
} from './environment.ts'
import { NodeTeller, nodeStats, shownThrough, statisticsChild } from './info.ts'
import { newImageOptions } from './create-image.ts'
import { findBackingImage } from './find-backing.ts'
import { freezeChain } from './freeze.ts'
import { closeIfUnused } from './lifecycle.ts'
import { JobParent } from './job-user.ts'
import { GraphLock } from './lock.ts'
import { nameGenerator } from './name.ts'
import { NodeOfNewImage } from './new-image-file.ts'
import type { Node } from './node.ts'
import { checkOperation, type Operation } from './op-blockers.ts'
import { innerNode } from './public-node.ts'
import { checkRoot, hasMedium } from './root.ts'
import { Transaction } from './transaction.ts'
import { RootUser } from './user.ts'
import type { BlockGraph, GraphDump, NodeInfo, NodeStats } from './answers.ts'
import type { GraphChanges } from './graph-changes.ts'
import type { DrainedSection, GraphNode } from './graph-node.ts'
import type { JobAbout, JobUser, User, UserAbout } from './uses.ts'

export type * from './answers.ts'
export type * from './graph-changes.ts'
export type * from './graph-node.ts'
export type * from './uses.ts'

export interface Graph extends GraphChanges {
  /** Every node, oldest first. Queries list them newest first. */
  nodes(): readonly GraphNode[]
  findOrUndefined(name: string): GraphNode | undefined
  /** @throws {BlockError} `Failed to find node with node-name='x'` */
  find(name: string): GraphNode
  /** @throws {BlockError} `Cannot find device='x' nor node-name='x'` */
  findDeviceOrNode(name: string): GraphNode
  /** @throws {BlockError} `Cannot find device='' nor node-name='x'`, or with the device's name */
  findNamed(name: string, device?: string): GraphNode
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
  /**
   * What can be said of a new image of that format, and of what stores it if its name is known.
   *
   * @throws {BlockError} for what makes no images.
   */
  newImageOptions(format: string, filename: string | undefined): readonly ImageOption[]
  /** Storage for a new image. @throws {BlockError} where nobody may write. */
  attachNewImage(node: GraphNode): NewImageFile & { close(): Promise<void> }
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
  /** The node that has the dirty bitmaps of a node: in some profiles another one, further down. */
  bitmapNode(node: GraphNode): GraphNode
  /** Dirty bitmaps must see every change of their node's data, also of what shows through it. */
  readonly bitmapsSeeAll: boolean
  /**
   * Settles who may write below a node, after something that must see all came or went.
   *
   * @throws {BlockError} the conflict text, with all claims as before.
   */
  settleObservers(node: GraphNode): void
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
  /** The same for many nodes at one time: nothing may change in between. */
  teller(): (node: GraphNode) => NodeInfo
  /** Looks for damage in an image, as `Instance.check`; nothing where the driver has no check. */
  check(node: GraphNode, about: CheckAbout): Promise<CheckReport> | undefined
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
  describe(): BlockGraph
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
    drivers: byName(driversIn(profile, drivers)),
    services,
    paths,
    parseJson,
    profile,
    nodes: new Map(),
    users: new Set(),
    jobs: new Set(),
    lock: new GraphLock(),
    ending: false,
    unreadable: new Set(),
    nextName: nameGenerator(random),
  }
  const { nodes } = environment
  const teller = (): ((node: GraphNode) => NodeInfo) => {
    const told = new NodeTeller()
    return (node) => {
      checkTellable(innerNode(node), profile)
      return told.info(innerNode(node))
    }
  }
  return {
    nodes: () => [...nodes.values()],
    findOrUndefined: (name) => nodes.get(name),
    find: (name) => findNode(environment, name),
    findDeviceOrNode: (name) => findReference(environment, name),
    findNamed: (name, device) => findNamed(environment, name, device),
    findBackingImage: (top, filename) => findBackingImage(environment, innerNode(top), filename),
    ...graphChanges(environment),
    drainedAll: () => environment.lock.section(() => drainAll([...nodes.values()])),
    quiesceAll: () => {
      environment.ending = true
      return drainAll([...nodes.values()])
    },
    within: (section) => graphChanges(environment, section),
    attach: (node, about) => new RootUser(environment, innerNode(node), about),
    newImageOptions: (format, filename) => newImageOptions(environment, format, filename),
    attachNewImage: (node) => new NodeOfNewImage(environment, innerNode(node)),
    attachJob: (about) => new JobParent(environment, about),
    checkOperation: (node, operation) => {
      checkOperation(innerNode(node), operation)
    },
    checkRoot: (node) => {
      checkRoot(innerNode(node))
    },
    hasMedium: (node) => hasMedium(innerNode(node)),
    bitmapNode: (node) => bitmapNode(environment, innerNode(node)),
    bitmapsSeeAll: profile['bitmap.unshareBackingWrite'],
    settleObservers(node) {
      // Where they see what they see, nobody's claims change.
      if (!profile['bitmap.unshareBackingWrite']) return
      Transaction.run((transaction) => {
        refreshClaims([innerNode(node)], transaction)
      })
    },
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
    teller,
    info: (node) => teller()(node),
    check: (node, about) => {
      const found = innerNode(node).instance.check?.(about)
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
    describe: () => blockGraph(environment),
    close: () => closeAll(environment),
  }
}

/** Many engines are made one after the other, of the same drivers. */
const BY_NAME = new WeakMap<readonly Driver[], ReadonlyMap<string, Driver>>()

function byName(drivers: readonly Driver[]): ReadonlyMap<string, Driver> {
  const known = BY_NAME.get(drivers)
  if (known !== undefined) return known
  const made = new Map(drivers.map((driver) => [driver.name, driver]))
  BY_NAME.set(drivers, made)
  return made
}

function breakpointsOf(node: Node): Breakpoints | undefined {
  if (node.isOpen && node.instance.breakpoints !== undefined) return node.instance.breakpoints
  return node.primaryChild === undefined ? undefined : breakpointsOf(node.primaryChild)
}

async function closeAll(environment: Environment): Promise<void> {
  // Those that were forgotten.
  for (const user of [...environment.users]) await user.close()
  for (const node of [...environment.nodes.values()].toReversed()) {
    if (!node.monitorOwned) continue
    node.monitorOwned = false
    await closeIfUnused(environment, node)
  }
}
