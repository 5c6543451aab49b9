/** Nodes as the rest of the engine holds them. */
import { assert } from '../util/assert.ts'
import type { GraphNode } from './graph.ts'
import { Node } from './node.ts'

/** A node is its own public face: the type alone hides what only the graph may touch. */
export function publicNode(node: Node): GraphNode {
  return node
}

/** The way back. */
export function innerNode(node: GraphNode): Node {
  assert(node instanceof Node, 'a node of another graph')
  return node
}
