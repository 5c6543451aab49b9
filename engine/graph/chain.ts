/**
 * Walks down chains of images. Which nodes count depends on who asks: some see every node, some
 * hide filters that the engine put there itself, some look only at images.
 */
import type { GraphNode } from './graph.ts'

/** What a node shows where it has nothing of its own: a filter's node, or the backing image. */
export function filterOrCowChild<N extends GraphNode>(node: N): N | undefined
export function filterOrCowChild(node: GraphNode): GraphNode | undefined {
  return node.filteredChild ?? node.cowChild
}

/** The node that shows through filters which nobody asked for. */
export function skipImplicit<N extends GraphNode>(node: N): N
export function skipImplicit(node: GraphNode): GraphNode {
  const { filteredChild } = node
  return node.implicit && filteredChild !== undefined ? skipImplicit(filteredChild) : node
}

/** The node that shows through filters of all kinds. */
export function skipFilters<N extends GraphNode>(node: N): N
export function skipFilters(node: GraphNode): GraphNode {
  const { filteredChild } = node
  return filteredChild === undefined ? node : skipFilters(filteredChild)
}

/** The next image of the chain, filters left out. */
export function chainNext<N extends GraphNode>(node: N): N | undefined
export function chainNext(node: GraphNode): GraphNode | undefined {
  const { cowChild } = skipFilters(node)
  return cowChild && skipFilters(cowChild)
}

/** The deepest image of the chain. */
export function findBase<N extends GraphNode>(node: N): N
export function findBase(node: GraphNode): GraphNode {
  const next = chainNext(node)
  return next === undefined ? skipFilters(node) : findBase(next)
}

/** The lowest image above another one in the chain; nothing where that one is not in it. */
export function findOverlay<N extends GraphNode>(active: N, node: N): N | undefined
export function findOverlay(active: GraphNode, node: GraphNode): GraphNode | undefined {
  const wanted = skipFilters(node)
  for (let overlay = skipFilters(active); ;) {
    const next = chainNext(overlay)
    if (next === wanted) return overlay
    if (next === undefined) return undefined
    overlay = next
  }
}

/** Whether one node is another one or anywhere in the chain below it. */
export function chainContains(top: GraphNode, node: GraphNode): boolean {
  for (let next: GraphNode | undefined = top; next !== undefined; next = filterOrCowChild(next)) {
    if (next === node) return true
  }
  return false
}

/** One of these nodes that has this one as its backing image, be it through filters. */
export function overlayAbove(nodes: readonly GraphNode[], node: GraphNode): GraphNode | undefined {
  const image = skipFilters(node)
  return nodes.find(({ cowChild }) => cowChild !== undefined && skipFilters(cowChild) === image)
}

interface Filtered {
  readonly filteredChild: Filtered | undefined
  length(): number
}

/** Where an image ends. Filters that were there before it got shorter still have its old length. */
export function endThroughFilters(node: Filtered): number {
  const { filteredChild } = node
  return Math.min(
    node.length(),
    filteredChild === undefined ? Infinity : endThroughFilters(filteredChild),
  )
}
