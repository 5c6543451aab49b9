/**
 * Recomputes permissions: every node's parents must get along, and what they want of the node
 * decides what the node wants of its children. A change is prepared in a transaction, so that a
 * conflict anywhere leaves all claims as they were.
 */
import type { ChildRole, NodeFlags } from '../block/driver.ts'
import {
  ALL_PERMISSIONS,
  RESIZE,
  WRITE,
  WRITE_UNCHANGED,
  type Claims,
} from '../block/permission.ts'
import { isAligned } from '../util/align.ts'
import { BlockError } from '../util/errors.ts'
import type { Edge, Node } from './node.ts'
import { checkClaims, cumulative, getAlong } from './permission.ts'
import type { Transaction } from './transaction.ts'

/** What nodes are to have once a command has succeeded, where these are other flags or options. */
export interface PlannedNode {
  readonly flags: NodeFlags
  readonly options?: Readonly<Record<string, unknown>>
}

export type Planned = ReadonlyMap<Node, PlannedNode>

const AS_THEY_ARE: Planned = new Map()

/**
 * Settles the claims of these nodes and of all below them.
 *
 * @throws {BlockError} the first conflict, with nothing changed once the transaction aborts.
 */
export function refreshClaims(
  starts: readonly Node[],
  transaction: Transaction,
  planned: Planned = AS_THEY_ARE,
): void {
  // Drivers are asked on the way, and none of them may change what is being walked.
  starts[0]?.lock.walk(() => {
    for (const node of parentsFirst(starts)) refreshNode(node, transaction, planned)
  })
}

/** What a node would claim of the child on this edge, as things are. */
export function claimsOn(
  node: Node,
  edge: Pick<Edge, 'name' | 'role' | 'child'>,
  planned: Planned = AS_THEY_ARE,
): Claims {
  const above = cumulative(node.parents.map((parent) => parent.claims))
  const own = node.driver.claims?.({
    options: planned.get(node)?.options ?? node.given.checked,
    childName: edge.name,
    role: edge.role,
    above,
    hasParents: node.parents.length > 0,
    readOnly: (planned.get(node)?.flags ?? node.flags).readOnly,
  })
  // Without rules of its own a driver wants what is wanted of it.
  const claims = withoutOtherWriters(node, edge.role, own ?? above)
  return edge.child.flags.forceShare ? { ...claims, shares: ALL_PERMISSIONS } : claims
}

/** Where somebody must see every change of the data, none may come from elsewhere. */
function withoutOtherWriters({ observers }: Node, role: ChildRole, claims: Claims): Claims {
  const shows = role.data === true || role.cow === true || role.filtered === true
  if (!shows || ![...observers].some(({ seesAll }) => seesAll === true)) return claims
  return { ...claims, shares: claims.shares & ~WRITE }
}

export function setEdgeClaims(edge: Edge, claims: Claims, transaction: Transaction): void {
  const before = edge.claims
  edge.claims = claims
  transaction.add({
    abort() {
      edge.claims = before
    },
  })
}

function refreshNode(node: Node, transaction: Transaction, planned: Planned): void {
  const claims = node.parents.map((edge) => edge.claims)
  if (!getAlong(claims)) checkPairs(node)
  const above = cumulative(claims)
  const { readOnly } = planned.get(node)?.flags ?? node.flags
  if (readOnly && (above.uses & (WRITE | WRITE_UNCHANGED)) !== 0) {
    const text = node.flags.readOnly
      ? 'Block node is read-only'
      : `Read-only block node '${node.name}' cannot support read-write users`
    throw new BlockError(text, { errno: 'EPERM' })
  }
  // Nothing more reaches what lies below a corrupt image; its edges stay as they are.
  if (node.corrupted) return
  if (node.isOpen) {
    checkTail(node, above)
    prepareInstance(node, above, transaction)
  }
  for (const edge of node.children) {
    setEdgeClaims(edge, claimsOn(node, edge, planned), transaction)
  }
}

/** @throws {BlockError} the first conflict. */
function checkPairs({ name, parents }: Node): void {
  checkClaims(
    name,
    parents.map((edge) => ({
      ...edge.claims,
      parent: edge.parent.description,
      edge: edge.name,
    })),
  )
}

/** Writing the last part of the disk would make it longer if blocks do not end where it ends. */
function checkTail(node: Node, above: Claims): void {
  const writes = (above.uses & (WRITE | WRITE_UNCHANGED)) !== 0
  if (!writes || (above.uses & RESIZE) !== 0) return
  if (isAligned(node.length(), node.limits().requestAlignment)) return
  throw new BlockError(
    "Cannot get 'write' permission without 'resize': Image size is not a multiple of request " +
      'alignment',
    { errno: 'EPERM' },
  )
}

function prepareInstance(node: Node, above: Claims, transaction: Transaction): void {
  const { instance } = node
  instance.checkClaims?.(above)
  transaction.add({
    commit: () => instance.setClaims?.(above),
    abort: () => instance.abortClaims?.(),
  })
}

/** The nodes and all below, each before its children; what is given last comes first. */
function parentsFirst(starts: readonly Node[]): Node[] {
  const seen = new Set<Node>()
  const childrenFirst: Node[] = []
  const visit = (node: Node): void => {
    if (seen.has(node)) return
    seen.add(node)
    for (const edge of node.children) visit(edge.child)
    childrenFirst.push(node)
  }
  for (const start of starts) visit(start)
  return childrenFirst.reverse()
}
