/** Drained sections: root users hold new requests back, and all that run have completed. */
import type { Activity } from './activity.ts'
import type { DrainedSection, DrainScope, GraphNode } from './graph.ts'
import type { Node } from './node.ts'
import { innerNode } from './public-node.ts'

/** Begins a section; the promise resolves when nothing is in flight any more. */
export async function beginDrained(node: Node, scope: DrainScope = {}): Promise<Section> {
  const section = scope.subtree === true ? new SubtreeSection(node) : new Section([node])
  await section.begin()
  return section
}

/** A section of all nodes together; as in 7.2 they are let go in the order in which they began. */
export async function drainAll(nodes: readonly Node[]): Promise<Section> {
  for (const node of nodes) node.drainedBegin()
  await settled(nodes)
  return new Section(nodes.toReversed())
}

/** Nodes that are drained together. */
export class Section implements DrainedSection {
  #open = true
  protected nodes: readonly Node[]

  constructor(nodes: readonly Node[]) {
    this.nodes = nodes
  }

  async begin(): Promise<void> {
    for (const member of this.nodes) member.drainedBegin()
    await settled(this.nodes)
  }

  end(): void {
    if (!this.#open) return
    this.#open = false
    for (const member of this.nodes.toReversed()) member.drainedEnd()
  }

  async childChanged(parent: GraphNode, name: string): Promise<void> {
    await childChanged([this], innerNode(parent), name)
  }

  /** @returns What has come below a node of the section instead of what goes; not drained yet. */
  exchange(_parent: Node, _name: string): readonly Node[] {
    return []
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.end()
    return Promise.resolve()
  }
}

/** A node and all below it, whatever that is. */
class SubtreeSection extends Section {
  readonly #root: Node

  constructor(root: Node) {
    super([...withAll(root, below)])
    this.#root = root
  }

  override exchange(parent: Node, name: string): readonly Node[] {
    if (!this.nodes.includes(parent)) return []
    const edges = (node: Node): Node[] =>
      node.children
        .filter((edge) => node !== parent || edge.name !== name)
        .map(({ child }) => child)
    // What has come below another child at the same time has not begun yet.
    const others = [...withAll(this.#root, edges)].filter((node) => this.nodes.includes(node))
    const staying = new Set(others)
    const coming = [...withAll(this.#root, below)].filter((node) => !staying.has(node))
    for (const node of this.nodes) if (!staying.has(node)) node.drainedEnd()
    this.nodes = [...staying, ...coming]
    return coming
  }
}

/**
 * What a node had as that child leaves the sections that the node is in with all below it, and what
 * it has now enters them, be it the same. Nobody gets to anything in between, but as in 7.2 jobs see
 * a section end and another one begin. Resolves when nothing is in flight any more.
 */
export async function childChanged(
  sections: readonly Section[],
  parent: Node,
  name: string,
): Promise<void> {
  const coming = sections.flatMap((section) => section.exchange(parent, name))
  for (const node of coming) node.drainedBegin()
  await settled(coming)
}

/**
 * Requests of a parent may be between two requests to its child, and those of a user may be about
 * to be answered: all above must be idle too.
 */
async function settled(nodes: readonly Node[]): Promise<void> {
  const watched = new Set<Activity>()
  for (const node of nodes) watchAbove(node, watched)
  for (let busy = busyOf(watched); busy !== undefined; busy = busyOf(watched)) await busy.idle()
}

/** A node and all above it. */
function watchAbove(node: Node, watched: Set<Activity>): void {
  if (watched.has(node.activity)) return
  watched.add(node.activity)
  for (const { parent } of node.parents) {
    if (parent.asNode === undefined) watched.add(parent.activity)
    else watchAbove(parent.asNode, watched)
  }
}

function busyOf(watched: ReadonlySet<Activity>): Activity | undefined {
  for (const activity of watched) if (activity.inFlight > 0) return activity
  return undefined
}

function below(node: Node): Node[] {
  return node.children.map((edge) => edge.child)
}

function withAll(start: Node, next: (node: Node) => Node[]): Set<Node> {
  const found = new Set([start])
  for (const node of found) for (const other of next(node)) found.add(other)
  return found
}

/** Whether a driver of the node or above it has something to do when a section begins. */
export function drainLingers(node: Node): boolean {
  if (node.isOpen && node.instance.drainedBegin !== undefined) return true
  return node.parents.some(
    ({ parent }) => parent.asNode !== undefined && drainLingers(parent.asNode),
  )
}
