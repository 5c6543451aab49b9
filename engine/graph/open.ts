/**
 * Opens nodes: from options, or from a file name that becomes options. The file is opened first,
 * other children when the driver's turn comes, the backing image last; each edge has the claims
 * that its parent's driver declares. Whatever fails, all that was opened for it is closed again.
 */
import { isProtocol, type ChildDeclaration, type ChildRole, type Driver } from '../block/driver.ts'
import { ALL_PERMISSIONS } from '../block/permission.ts'
import { mustOnlyRead } from '../block/white-lists.ts'
import { assert } from '../util/assert.ts'
import { BlockError } from '../util/errors.ts'
import { backingQuery } from './backing.ts'
import { nameUse } from './choose-driver.ts'
import { claimsOn, refreshClaims } from './claims.ts'
import { takeOwnOptions, takeStrictly } from './coerce.ts'
import { filenameOf } from './describe.ts'
import { attachEdge } from './edge.ts'
import { findReference, type Environment } from './environment.ts'
import { checkDetectZeroes, checkForceShare, dropGeneric, flagsOf } from './flags.ts'
import { listed, namesInOrder, stringOption, takeNested, type FlatOptions } from './flat.ts'
import { nodeHandle } from './handle.ts'
import { dispose, releaseHold } from './lifecycle.ts'
import { chooseName } from './name.ts'
import { Node } from './node.ts'
import { openingOf, type Opening, type OpenQuery } from './opening.ts'
import { formatOf, probe } from './probe.ts'
import { Transaction } from './transaction.ts'
import { RootUser } from './user.ts'

/** Deeper chains than this are somebody's mistake, or malice. */
const MAX_DEPTH = 500

/** Opens a node, or finds one, with one hold on it, which the caller gives back. */
export async function openNode(environment: Environment, query: OpenQuery): Promise<Node> {
  if (query.reference !== undefined) return findNode(environment, query, query.reference)
  if ((query.parent?.depth ?? 0) > MAX_DEPTH) {
    throw new BlockError(`More than ${String(MAX_DEPTH)} images would lie upon each other`)
  }
  const opening = openingOf(environment, query)
  const early = await openFile(environment, opening)
  try {
    // QEMU opens such a child for a user of its own, which wants nothing, but is a parent.
    const user =
      early?.isOpen === true
        ? new RootUser(environment, early, { uses: 0, shares: ALL_PERMISSIONS })
        : undefined
    try {
      return await finish(environment, opening, early)
    } finally {
      await user?.close()
    }
  } finally {
    if (early !== undefined) await releaseHold(environment, early)
  }
}

function findNode(environment: Environment, query: OpenQuery, reference: string): Node {
  if (query.filename !== undefined || query.options.size > 0) {
    throw new BlockError(
      'Cannot reference an existing block device with additional options or a new filename',
    )
  }
  const node = findReference(environment, reference)
  node.holds++
  return node
}

const FILE_ROLE: ChildRole = { data: true, metadata: true, primary: true }

/** The child that is opened before its parent has a name, or even a driver. */
async function openFile(environment: Environment, opening: Opening): Promise<Node | undefined> {
  const { driver, rest, filename, all } = opening
  if (driver !== undefined && isProtocol(driver)) return undefined
  const options = takeNested(rest, 'file')
  const reference = stringOption(rest, 'file')
  const useless = driver !== undefined && !('file' in driver.children)
  if (filename === undefined && reference === undefined && options.size === 0) {
    // Whether it is needed at all is seen when all else was looked at.
    if (driver !== undefined) return undefined
    throw new BlockError('Must specify either driver or file')
  }
  if (reference !== undefined) rest.delete('file')
  const role = driver?.children['file']?.role ?? FILE_ROLE
  const file = await openNode(environment, {
    filename,
    reference,
    options,
    parent: {
      node: undefined,
      options: all,
      role,
      depth: opening.depth,
      above: opening.above,
      withinOpening: opening.withinOpening,
      forCheck: opening.forCheck,
    },
    protocol: true,
  })
  // It is opened all the same, and complained about in the end.
  if (useless) rest.set('file', file.name)
  return file
}

async function finish(
  environment: Environment,
  opening: Opening,
  file: Node | undefined,
): Promise<Node> {
  const { rest } = opening
  const probed = opening.driver === undefined
  const driver = opening.driver ?? (file && (await probe(environment, file)))
  if (driver === undefined) throw new BlockError('Must specify either driver or file')
  const flags = flagsOf(rest)
  if (mustOnlyRead(driver, flags)) flags.readOnly = true
  checkForceShare(flags)
  if (driver.needsFilename && (stringOption(rest, 'filename') ?? '') === '') {
    throw new BlockError(`The '${driver.name}' block driver requires a file name`)
  }
  checkDetectZeroes(flags)
  const nodeName = stringOption(rest, 'node-name')
  dropGeneric(rest)
  const name = chooseName(environment, nodeName)
  const node = new Node(environment.lock, name, driver, flags, {
    explicit: opening.explicit,
    options: new Map([...opening.all, ['driver', driver.name]]),
  })
  node.holds++
  node.openedAlone = opening.openedAlone
  environment.nodes.set(name, node)
  try {
    driver.legacy?.translate(rest)
    const given = (driver.strict ? takeStrictly : takeOwnOptions)(driver.options, rest)
    node.given = given
    await driver.check?.({
      options: given.checked,
      counts: countLists(driver, rest),
      node: nodeHandle(environment, node),
      services: environment.services,
    })
    await attachChildren(environment, node, opening, file)
    await openInstance(environment, node, opening, probed)
    if (opening.showsNoBacking) node.noteHeader()
    else if (!opening.noBacking) await openBacking(environment, node, opening)
    node.dropChildOptions()
    checkAllRead(driver, rest)
    return node
  } catch (error) {
    await dispose(environment, node)
    throw error
  }
}

/** An option that is still there is one that nobody reads. */
function checkAllRead(driver: Driver, rest: FlatOptions): void {
  const [unread] = namesInOrder(rest)
  if (unread === undefined) return
  const { name } = driver
  throw new BlockError(
    isProtocol(driver)
      ? `Block protocol '${name}' doesn't support the option '${unread}'`
      : `Block format '${name}' does not support the option '${unread}'`,
  )
}

function countLists(driver: Driver, rest: FlatOptions): Record<string, number> {
  const lists = Object.entries(driver.children).filter(([, { list }]) => list === true)
  const count = (name: string): number =>
    [...listed(rest, name)].filter((element) => rest.get(element) !== null).length
  return Object.fromEntries(lists.map(([name]) => [name, count(name)]))
}

async function attachChildren(
  environment: Environment,
  node: Node,
  opening: Opening,
  file: Node | undefined,
): Promise<void> {
  for (const [name, declaration] of Object.entries(node.driver.children)) {
    if (declaration.role.cow === true || declaration.late === true) continue
    if (name === 'file' && file !== undefined) {
      if (stringOption(opening.all, name) === undefined) file.inheritsFrom = node
      attach(node, name, roleOf(node, declaration), file)
      continue
    }
    const edges = declaration.list === true ? [...listed(opening.rest, name)] : [name]
    for (const edge of edges) await openChild(environment, node, opening, { edge, declaration })
    if (declaration.list === true) opening.rest.delete(name)
  }
}

interface Wanted {
  readonly edge: string
  readonly declaration: ChildDeclaration
}

async function openChild(
  environment: Environment,
  node: Node,
  { rest, all, depth, above, withinOpening, forCheck }: Opening,
  { edge, declaration }: Wanted,
): Promise<void> {
  const { nameOption, optional, nullable, holes } = declaration
  const role = roleOf(node, declaration)
  const options = takeNested(rest, edge)
  const reference = stringOption(rest, edge)
  const isNull = (nullable === true || holes !== undefined) && rest.get(edge) === null
  if (reference !== undefined || isNull) rest.delete(edge)
  const filename = nameOption === undefined ? undefined : stringOption(rest, nameOption)
  if (nameOption !== undefined) rest.delete(nameOption)
  if (filename === undefined && reference === undefined && options.size === 0) {
    if (optional === true || isNull) return
    throw new BlockError(`A block device must be specified for "${edge}"`)
  }
  const child = await openNode(environment, {
    filename,
    reference,
    options,
    parent: {
      node,
      options: all,
      role,
      depth,
      above,
      withinOpening: withinOpening || declaration.late === true,
      forCheck,
    },
    ...nameUse(node.driver, role),
  })
  try {
    if (reference === undefined) child.inheritsFrom = node
    attach(node, edge, role, child)
  } finally {
    await releaseHold(environment, child)
  }
}

function roleOf({ given }: Node, { role, roleFor }: ChildDeclaration): ChildRole {
  return roleFor?.(given.checked) ?? role
}

function attach(node: Node, edge: string, role: ChildRole, child: Node): void {
  attachEdge(node, edge, role, child, claimsOn(node, { name: edge, role, child }))
}

async function openInstance(
  environment: Environment,
  node: Node,
  opening: Opening,
  probed: boolean,
): Promise<void> {
  const guess = (head: Uint8Array): string => formatOf(environment.drivers, head)
  const instance = await node.driver.open({
    options: node.given.checked,
    node: nodeHandle(environment, node),
    children: node.handles,
    async openChild(name) {
      const declaration = node.driver.children[name]
      assert(declaration?.late === true, `${node.driver.name} has no late child '${name}'`)
      await openChild(environment, node, opening, { edge: name, declaration })
      return node.handles.get(name)
    },
    services: environment.services,
    ...(probed ? { guess } : {}),
    withinOpening: opening.withinOpening,
    forCheck: opening.forCheck,
  })
  node.opened(instance, environment.paths.node(node))
  node.refreshLength()
  Transaction.run((transaction) => refreshClaims([node], transaction))
}

/** Opens what was left closed. @throws {BlockError} with the graph as before. */
export async function openBackingOf(environment: Environment, node: Node): Promise<void> {
  const above = new Set<string>()
  await openBacking(environment, node, {
    rest: new Map(),
    all: node.options,
    depth: 0,
    above,
    withinOpening: false,
    forCheck: false,
  })
}

type BackingOpening = Pick<
  Opening,
  'rest' | 'all' | 'depth' | 'above' | 'withinOpening' | 'forCheck'
>

/** Opens the backing image that options or the image's header name. */
async function openBacking(
  environment: Environment,
  node: Node,
  { rest, all, depth, above, withinOpening, forCheck }: BackingOpening,
): Promise<void> {
  node.noteHeader()
  const wanted = backingQuery(node, rest)
  if (wanted === undefined) return
  const role = node.driver.children['backing']?.role
  if (role?.cow !== true) throw new BlockError("Driver doesn't support backing files")
  const { filename, reference, options, implicit } = wanted
  // Nothing else decides what is opened, so the same twice would go on for ever.
  const named = implicit ? `${stringOption(options, 'driver') ?? ''}:${filename ?? ''}` : undefined
  if (named !== undefined && above.has(named)) {
    throw new BlockError(`Backing file '${filename ?? ''}' creates an infinite loop.`)
  }
  let child: Node
  try {
    child = await openNode(environment, {
      filename,
      reference,
      options,
      parent: {
        node,
        options: all,
        role,
        depth: depth + 1,
        above: named === undefined ? above : new Set([...above, named]),
        withinOpening,
        forCheck,
      },
      protocol: false,
    })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.prepend('Could not open backing file', error)
  }
  try {
    if (implicit) node.autoBacking = filenameOf(child)
    if (reference === undefined) child.inheritsFrom = node
    attach(node, 'backing', role, child)
    node.refreshLimits()
  } finally {
    await releaseHold(environment, child)
  }
}
