/** What the parts of one graph share. */
import type { BlockIo, Child, Driver, Services } from '../block/driver.ts'
import type { Profile } from '../profiles/index.ts'
import { BlockError } from '../util/errors.ts'
import type { Json } from '../util/json.ts'
import type { JobParent } from './job-user.ts'
import type { GraphLock } from './lock.ts'
import type { Node } from './node.ts'
import type { RootUser } from './user.ts'

/** A node's request path: its own requests, and the status of all that shows through it. */
export type NodeIo = BlockIo & Pick<Child, 'statusAbove'>

/** Supplies the request paths; the graph itself moves no data. */
export interface RequestPaths {
  node(node: Node): NodeIo
  user(user: RootUser): NodeIo
}

export interface Environment {
  readonly drivers: ReadonlyMap<string, Driver>
  readonly services: Services
  readonly paths: RequestPaths
  readonly parseJson: (text: string) => Json
  readonly profile: Profile
  /** Every named node, oldest first. */
  readonly nodes: Map<string, Node>
  readonly users: Set<RootUser>
  readonly jobs: Set<JobParent>
  /** Nodes whose images turned out to be corrupt, so that nothing above them is readable either. */
  readonly unreadable: Set<Node>
  readonly lock: GraphLock
  /** All nodes are drained and stay so: the end has come. */
  ending: boolean
  nextName(): string
}

/** @throws {BlockError} where there is no node of this name. */
export function findNode({ nodes }: Environment, name: string): Node {
  const node = nodes.get(name)
  if (node !== undefined) return node
  throw new BlockError(`Failed to find node with node-name='${name}'`, { errno: 'ENODEV' })
}

/** Looks a node up as commands do that also take the name of a device, which is of no use. */
export function findNamed(environment: Environment, name: string, device = ''): Node {
  const node = environment.nodes.get(name)
  if (node !== undefined) return node
  if (!environment.profile['lookup.devices']) return findNode(environment, name)
  throw new BlockError(`Cannot find device='${device}' nor node-name='${name}'`, {
    errno: 'ENODEV',
  })
}

/** Looks a reference up as commands do that take device and node names alike. */
export function findReference(environment: Environment, name: string): Node {
  return findNamed(environment, name, name)
}
