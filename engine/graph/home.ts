/**
 * The threads that nodes are at home in. All nodes that hang together, by edges or by jobs, have one
 * home. It shows in drained sections, and in what refuses to leave its thread: requests run in the
 * one thread that there is.
 */
import { BlockError } from '../util/errors.ts'
import { drainAll } from './drain.ts'
import type { Edge, Node } from './node.ts'

/**
 * Moves all that hangs together with a node, drained. It must be the caller's turn to change the graph.
 *
 * @throws {BlockError} if somebody stays in their thread. What the walk has passed by then was drained.
 */
export async function moveHome(node: Node, home: string | undefined): Promise<void> {
  const walk = new Walk(home)
  const mayMove = walk.passNode(node)
  const section = await drainAll(walk.passed)
  if (mayMove) walk.move()
  section.end()
  if (!mayMove) refuse()
}

/** Brings a node to its parent to be, or else that one to the node. @throws {BlockError} */
export async function bringTogether(child: Node, parent: Node): Promise<void> {
  try {
    await moveHome(child, parent.home)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    if (!new Walk(child.home).passNode(parent)) throw error
    await moveHome(parent, child.home)
  }
}

/**
 * What gets a parent, or comes to a job, moves to where the others are at home; if it may not, they
 * move. What is there already stays undisturbed.
 *
 * @throws {BlockError} if neither may move, with the graph as before.
 */
export function joinHome(child: Node, other: Node): void {
  if (child.home === other.home) return
  const toOther = new Walk(other.home)
  if (toOther.passNode(child)) {
    toOther.move()
    return
  }
  const toChild = new Walk(child.home)
  if (!toChild.passNode(other)) refuse()
  toChild.move()
}

function refuse(): never {
  throw new BlockError('Cannot change iothread of active block backend')
}

/** Goes in the order of 7.2 along the edges, each once, and ends at the first user that stays. */
class Walk {
  readonly passed: Node[] = []
  readonly #home: string | undefined
  readonly #edges = new Set<Edge>()

  constructor(home: string | undefined) {
    this.#home = home
  }

  /** @returns Whether nobody was met who stays. */
  passNode(node: Node): boolean {
    if (node.home === this.#home) return true
    if (!node.parents.every((edge) => this.#passUp(edge))) return false
    if (!node.children.every((edge) => this.#passDown(edge))) return false
    this.passed.push(node)
    return true
  }

  move(): void {
    for (const node of this.passed) node.home = this.#home
  }

  #passUp(edge: Edge): boolean {
    if (!this.#isNew(edge)) return true
    const { parent } = edge
    if (parent.asNode !== undefined) return this.passNode(parent.asNode)
    return !parent.keepsHome && parent.edges.every((other) => this.#passDown(other))
  }

  #passDown(edge: Edge): boolean {
    return !this.#isNew(edge) || this.passNode(edge.child)
  }

  #isNew(edge: Edge): boolean {
    const isNew = !this.#edges.has(edge)
    this.#edges.add(edge)
    return isNew
  }
}
