/**
 * Filters that jobs put above a node for as long as they run. No client can name the drivers of most
 * of them, and without a name of the client's choice the node is made up and mostly kept out of sight.
 */
import type { Driver } from '../block/driver.ts'
import { ALL_PERMISSIONS, NO_PERMISSIONS } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { claimsOn, refreshClaims } from './claims.ts'
import { takeOwnOptions } from './coerce.ts'
import { beginDrained } from './drain.ts'
import { attachEdge, linkEdge } from './edge.ts'
import type { Environment } from './environment.ts'
import { flatten } from './flat.ts'
import type { FilterAbout } from './graph.ts'
import { nodeHandle } from './handle.ts'
import { bringTogether } from './home.ts'
import { closeIfUnused, dispose } from './lifecycle.ts'
import { chooseName } from './name.ts'
import { Node } from './node.ts'
import { innerNode } from './public-node.ts'
import { bypassFilter, moveParents, replaceNode } from './replace-node.ts'
import { Transaction } from './transaction.ts'

/** The filter comes with one hold on it. @throws {BlockError} with the graph as before. */
export async function insertFilter(environment: Environment, about: FilterAbout): Promise<Node> {
  const above = innerNode(about.above)
  const isListed = typeof about.driver === 'string'
  const filter = isListed
    ? await saying('Could not create node', () => newFilter(environment, about))
    : newFilter(environment, about)
  try {
    // A filter is made in the main thread, and what it is put above comes there if it may.
    for (const child of [about.above, ...Object.values(about.children ?? {})]) {
      await bringTogether(innerNode(child), filter)
    }
    if (isListed) await saying('Could not create node', () => create(environment, filter, about))
    await using _drained = about.undrained === true ? undefined : await beginDrained(above)
    if (isListed) await putInPlace(filter, above)
    else await append(environment, filter, above)
    return filter
  } catch (error) {
    await dispose(environment, filter)
    throw error
  }
}

async function saying<T>(context: string, work: () => MaybePromise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof BlockError) throw BlockError.prepend(context, error)
    throw error
  }
}

/** Takes the filter out and gives the hold back. It stays, showing nothing, while a job has it. */
export async function dropFilter(environment: Environment, filter: Node): Promise<void> {
  const shown = filter.children.find(({ role }) => role.filtered === true)
  {
    await using _drained = await beginDrained(filter)
    filter.instance.leaving?.()
    if (shown !== undefined) bypassFilter(filter, shown)
  }
  // There may have been nobody else: an overlay that came below the filter goes with it.
  if (shown !== undefined) await closeIfUnused(environment, shown.child)
  filter.holds--
  await closeIfUnused(environment, filter)
}

function newFilter(environment: Environment, about: FilterAbout): Node {
  const driver = driverOf(environment, about)
  const options = flatten({ ...about.options, driver: driver.name })
  const flags = {
    readOnly: about.readOnly === true,
    autoReadOnly: false,
    direct: false,
    noFlush: false,
    discard: false,
    forceShare: false,
    detectZeroes: 'off' as const,
  }
  const name = chooseName(environment, about.name)
  const filter = new Node(environment.lock, name, driver, flags, {
    explicit: new Map(options),
    options,
  })
  filter.implicit = about.name === undefined && about.visible !== true
  filter.neverFreeze = about.neverFreeze === true
  filter.holds++
  environment.nodes.set(filter.name, filter)
  return filter
}

function driverOf(environment: Environment, { driver }: FilterAbout): Driver {
  if (typeof driver !== 'string') return driver
  const listed = environment.drivers.get(driver)
  assert(listed !== undefined, `no driver ${driver}`)
  return listed
}

/** All at once: nobody's claims are looked at before all edges are where they are to be. */
function append(environment: Environment, filter: Node, above: Node): Promise<void> {
  const shown = Object.entries(filter.driver.children).find(([, { role }]) => role.filtered)
  assert(shown !== undefined, `${filter.driver.name} is no filter`)
  const [name, { role }] = shown
  return Transaction.runAsync(async (transaction) => {
    const claims = { uses: NO_PERMISSIONS, shares: ALL_PERMISSIONS }
    linkEdge({ parent: filter, name, role, child: above, claims }, transaction)
    await open(environment, filter)
    moveParents(above, filter, transaction)
    refreshClaims([filter], transaction)
  })
}

function putInPlace(filter: Node, above: Node): Promise<void> {
  return saying('Could not replace node', () => {
    replaceNode(above, filter)
  })
}

/** As `blockdev-add` would open the filter: requests go on meanwhile. */
async function create(environment: Environment, filter: Node, about: FilterAbout): Promise<void> {
  filter.given = takeOwnOptions(filter.driver.options, flatten(about.options ?? {}))
  const children = { file: about.above, ...about.children }
  for (const [edge, child] of Object.entries(children)) {
    const role = filter.driver.children[edge]?.role
    assert(role !== undefined, `${filter.driver.name} has no child ${edge}`)
    const below = innerNode(child)
    attachEdge(filter, edge, role, below, claimsOn(filter, { name: edge, role, child: below }))
  }
  await open(environment, filter)
  Transaction.run((transaction) => {
    refreshClaims([filter], transaction)
  })
}

async function open(environment: Environment, filter: Node): Promise<void> {
  const instance = await filter.driver.open({
    options: filter.given.checked,
    node: nodeHandle(environment, filter),
    children: filter.handles,
    // All of a filter's children are there before it opens.
    openChild: (name) => Promise.resolve(filter.handles.get(name)),
    services: environment.services,
  })
  filter.opened(instance, environment.paths.node(filter))
  filter.refreshLength()
}
