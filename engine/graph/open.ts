/**
 * Opens nodes: nested children first or when the driver's turn comes, each edge with the claims
 * that its parent's driver declares. Whatever fails, all that was opened for it is closed again.
 */
import {
  isProtocol,
  type Child,
  type ChildDeclaration,
  type Driver,
  type NodeFlags,
  type NodeHandle,
} from '../block/driver.ts'
import { assert } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'
import { inKeyOrder } from '../util/key-order.ts'
import { claimsOn, refreshClaims } from './claims.ts'
import { beginDrained } from './drain.ts'
import { attachEdge } from './edge.ts'
import { freezeChain } from './freeze.ts'
import { findReference, type Environment } from './environment.ts'
import { checkFlags, GENERIC_OPTIONS, resolveFlags, type GenericOptions } from './flags.ts'
import type { NodeOptions } from './graph.ts'
import { closeIfUnused, dispose } from './lifecycle.ts'
import { checkNodeName, checkNodeNameLength } from './name.ts'
import { Node, type GivenOptions } from './node.ts'
import { Transaction } from './transaction.ts'

/** One child to open: the name of its edge, and a node name or nested options. */
interface Wanted {
  readonly edge: string
  readonly declaration: ChildDeclaration
  readonly reference: string | NodeOptions
}

interface Request {
  readonly driver: Driver
  readonly generic: GenericOptions
  readonly flags: NodeFlags
  readonly given: GivenOptions
  readonly wanted: readonly Wanted[]
  readonly counts: Readonly<Record<string, number>>
}

/** `blockdev-add`. @throws {BlockError} with the graph as before. */
export async function addNode(environment: Environment, options: NodeOptions): Promise<Node> {
  if (options['node-name'] === undefined) {
    throw new BlockError("'node-name' must be specified for the root node")
  }
  const node = await openNode(environment, options)
  node.monitorOwned = true
  node.holds--
  return node
}

/** Opens a node with one hold on it, which the caller gives back. */
async function openNode(
  environment: Environment,
  options: NodeOptions,
  parent?: NodeFlags,
): Promise<Node> {
  const request = sortOptions(environment, options, parent)
  // Held until the new node has its own edges to them.
  const early: Node[] = []
  try {
    if (request.driver.childrenFirst) {
      for (const { reference } of request.wanted) {
        early.push(await openChild(environment, reference, request.flags))
      }
    }
    return await openWithChildren(environment, request, early)
  } finally {
    for (const child of early) {
      // QEMU opens such a child for a user of its own, and letting go of that one drains the child.
      const drained = await beginDrained(child)
      drained.end()
      await releaseHold(environment, child)
    }
  }
}

async function openWithChildren(
  environment: Environment,
  request: Request,
  early: readonly Node[],
): Promise<Node> {
  const { driver, given } = request
  if (driver.needsFilename && given.checked['filename'] === '') {
    throw new BlockError(`The '${driver.name}' block driver requires a file name`)
  }
  checkFlags(request.flags)
  const name = chooseName(environment, request.generic['node-name'])
  const node = new Node(name, driver, { ...request.flags }, given)
  node.holds++
  environment.nodes.set(name, node)
  try {
    await driver.check?.({
      options: given.checked,
      counts: request.counts,
      services: environment.services,
    })
    for (const [index, wanted] of request.wanted.entries()) {
      await attachChild(environment, node, wanted, early[index])
    }
    await openInstance(environment, node)
    checkAllRead(driver, request)
    return node
  } catch (error) {
    await dispose(environment, node)
    throw error
  }
}

/**
 * QEMU flattens nested options before a driver sees them. An empty dictionary or list has no flat
 * form, so it stays behind as an option that nobody reads.
 */
function checkAllRead(driver: Driver, { generic: { cache }, given }: Request): void {
  const options: Readonly<Record<string, unknown>> = { ...given.own, cache }
  const empty = Object.entries(options).filter(
    ([, value]) => typeof value === 'object' && value !== null && Object.keys(value).length === 0,
  )
  const unread = inKeyOrder(empty)[0]?.[0]
  if (unread === undefined) return
  const { name } = driver
  throw new BlockError(
    isProtocol(driver)
      ? `Block protocol '${name}' doesn't support the option '${unread}'`
      : `Block format '${name}' does not support the option '${unread}'`,
  )
}

async function attachChild(
  environment: Environment,
  node: Node,
  { edge, declaration: { role }, reference }: Wanted,
  opened: Node | undefined,
): Promise<void> {
  const child = opened ?? (await openChild(environment, reference, node.flags))
  try {
    attachEdge(node, edge, role, child, claimsOn(node, { name: edge, role, child }))
  } finally {
    if (opened === undefined) await releaseHold(environment, child)
  }
}

async function openInstance(environment: Environment, node: Node): Promise<void> {
  const children = new Map<string, Child>()
  for (const edge of node.children.toReversed()) children.set(edge.name, edge.handle)
  const instance = await node.driver.open({
    options: node.given.checked,
    node: nodeHandle(node),
    children,
    services: environment.services,
  })
  node.opened(instance, environment.paths.node(node))
  node.refreshLength()
  Transaction.run((transaction) => refreshClaims(node, transaction))
}

function nodeHandle(node: Node): NodeHandle {
  return {
    name: node.name,
    flags: node.flags,
    get deviceName() {
      return node.parents.find((edge) => edge.parent.asNode === undefined)?.parent.name ?? ''
    },
    fallBackToReadOnly(reason) {
      if (!node.flags.autoReadOnly) throw new BlockError(reason, { errno: 'EACCES' })
      node.flags.readOnly = true
    },
    lengthChanged() {
      if (node.isOpen) node.refreshLength()
    },
    freezeChain: (bottom) => freezeChain(node, bottom),
    corrupted({ message }) {
      throw new BlockError(message, { errno: 'EIO' })
    },
  }
}

async function openChild(
  environment: Environment,
  reference: string | NodeOptions,
  parent: NodeFlags,
): Promise<Node> {
  if (typeof reference !== 'string') return openNode(environment, reference, parent)
  const node = findReference(environment, reference)
  node.holds++
  return node
}

async function releaseHold(environment: Environment, node: Node): Promise<void> {
  node.holds--
  await closeIfUnused(environment, node)
}

function chooseName(environment: Environment, given: string | undefined): string {
  if (given === undefined) return environment.nextName()
  checkNodeName(given)
  if (environment.nodes.has(given)) {
    throw new BlockError(`Duplicate nodes with node-name='${given}'`, { errno: 'EEXIST' })
  }
  checkNodeNameLength(given)
  return given
}

function sortOptions(
  environment: Environment,
  options: NodeOptions,
  parent: NodeFlags | undefined,
): Request {
  // The schema has checked the generic options and the driver's name.
  const generic = options as unknown as GenericOptions
  const driver = environment.drivers.get(generic.driver)
  assert(driver !== undefined, `no driver ${generic.driver} behind the schema`)
  const own: Record<string, unknown> = {}
  const checked: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(driver.options)) {
    const value = options[name]
    if (value !== undefined) own[name] = value
    checked[name] = value ?? member.default
  }
  for (const name of Object.keys(options)) {
    const known = GENERIC_OPTIONS.has(name) || name in driver.options || name in driver.children
    assert(known, `option ${name} of ${driver.name} passed the schema but has no reader`)
  }
  const { wanted, counts } = sortChildren(driver, options)
  const flags = resolveFlags(generic, parent)
  return { driver, generic, flags, given: { own, checked }, wanted, counts }
}

function sortChildren(
  driver: Driver,
  options: NodeOptions,
): { wanted: Wanted[]; counts: Record<string, number> } {
  const wanted: Wanted[] = []
  const counts: Record<string, number> = {}
  for (const [name, declaration] of Object.entries(driver.children)) {
    const value = options[name]
    if (value === undefined || value === null) continue
    const references = (Array.isArray(value) ? value : [value]) as (string | NodeOptions)[]
    counts[name] = references.length
    references.forEach((reference, index) => {
      const edge = declaration.list === true ? `${name}.${String(index)}` : name
      wanted.push({ edge, declaration, reference })
    })
  }
  return { wanted, counts }
}
