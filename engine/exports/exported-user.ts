/** What an export is to its node: who reads and perhaps writes it, and what others may still do. */
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../block/permission.ts'
import type { Graph, GraphNode, User } from '../graph/graph.ts'
import { MAX_PAYLOAD_BYTES } from '../nbd/limits.ts'
import { BlockError } from '../util/errors.ts'
import type { Gate } from './gate.ts'

export interface ExportedUser {
  readonly node: GraphNode
  readonly user: User
  /** What others may do is restricted only now: conflicts come up in this order. @throws {BlockError} */
  readonly restrict: () => void
}

/** What holds requests back while a drained section lasts. */
export type Holding = Pick<Gate, 'close' | 'open'>

export interface ExportedAbout {
  readonly name: string
  readonly writable: boolean
  /** Whether the node has to stay in its thread. */
  readonly keepsHome?: boolean
}

/** @throws {BlockError} where there is no such node, or none that can be exported so. */
export function findExported(graph: Graph, { name, writable }: ExportedAbout): GraphNode {
  const node = graph.findNamed(name)
  if (writable && node.flags.readOnly) {
    throw new BlockError('Cannot export read-only node as writable')
  }
  return node
}

/** @throws {BlockError} in the order in which the real daemon checks. */
export function attachExported(graph: Graph, about: ExportedAbout, gate: Holding): ExportedUser {
  return attachFound(graph, findExported(graph, about), about, gate)
}

/** @throws {BlockError} for a permission conflict. */
export function attachFound(
  graph: Graph,
  node: GraphNode,
  { writable, keepsHome }: Omit<ExportedAbout, 'name'>,
  gate: Holding,
): ExportedUser {
  const uses = CONSISTENT_READ | (writable ? WRITE : 0)
  const user = graph.attach(node, {
    uses,
    shares: ALL_PERMISSIONS,
    ...(keepsHome === true && { keepsHome }),
    // It is the clients that a drained section holds back: those that are there when it begins.
    goesOn: true,
    drainedBegin: () => {
      gate.close()
    },
    drainedEnd: () => {
      gate.open()
    },
  })
  return {
    node,
    user,
    restrict: () => {
      user.setClaims({ uses, shares: ALL_PERMISSIONS & ~RESIZE })
    },
  }
}

/** As in 7.2 a node comes back to the main thread when anybody leaves it, if it may. */
export async function leaveExported(graph: Graph, user: User): Promise<void> {
  const { node } = user
  await user.close()
  if (node.home !== undefined) await moveIfFree(graph, node, undefined)
}

/** Moves a node to a thread, unless somebody keeps it in its own. */
export async function moveIfFree(
  graph: Graph,
  node: GraphNode,
  home: string | undefined,
): Promise<void> {
  try {
    await graph.moveHome(node, home)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
  }
}

/** @throws {BlockError} where the length is not known. */
export function exportedLength(user: User): number {
  try {
    return user.length()
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.prepend("Failed to determine the NBD export's length", error)
  }
}

/** The most that a client may ask for at once. */
export function largestPayload(user: User): number {
  const { maxTransfer } = user.limits()
  return maxTransfer === 0 ? MAX_PAYLOAD_BYTES : Math.min(maxTransfer, MAX_PAYLOAD_BYTES)
}
