/** The block graph as a target shows it: read over QMP, drawn for goldens, held against claims. */
import type { GraphHop, GraphLine, GraphNode, Span, Value } from '../dsl/plan.ts'
import { isList, member, text } from './json.ts'
import type { Mismatch } from './match.ts'
import { compareNames } from './normalise.ts'

export interface Edge {
  readonly name: string
  readonly to: GraphNodeState
  /** Letters of the permissions used and shared. */
  readonly used: ReadonlySet<string>
  readonly shared: ReadonlySet<string>
}

export interface GraphNodeState {
  readonly name: string
  readonly driver: string
  readonly readOnly: boolean
  readonly children: Edge[]
  /** How many nodes use it. */
  parents: number
}

export type Graph = ReadonlyMap<string, GraphNodeState>

const LETTERS: Readonly<Record<string, string>> = {
  'consistent-read': 'c',
  write: 'w',
  'write-unchanged': 'u',
  resize: 'r',
}

const AUTONAME = /^#block\d+$/

/** Builds the graph from `x-debug-query-block-graph` and `query-named-block-nodes`. */
export function readGraph(debug: Value, named: Value): Graph {
  const info = new Map(
    (isList(named) ? named : []).map((node) => [text(member(node, 'node-name')) ?? '', node]),
  )
  const byId = new Map<Value, GraphNodeState>()
  const graph = new Map<string, GraphNodeState>()
  const nodes = member(debug, 'nodes')
  for (const node of isList(nodes) ? nodes : []) {
    if (text(member(node, 'type')) !== 'block-driver') continue
    const name = text(member(node, 'name')) ?? ''
    const about = info.get(name)
    const state: GraphNodeState = {
      name,
      driver: text(member(about, 'drv')) ?? '?',
      readOnly: member(about, 'ro') === true,
      children: [],
      parents: 0,
    }
    byId.set(member(node, 'id') ?? null, state)
    graph.set(name, state)
  }
  const edges = member(debug, 'edges')
  for (const edge of isList(edges) ? edges : []) {
    const parent = byId.get(member(edge, 'parent') ?? null)
    const child = byId.get(member(edge, 'child') ?? null)
    if (parent === undefined || child === undefined) continue
    child.parents += 1
    parent.children.push({
      name: text(member(edge, 'name')) ?? '',
      to: child,
      used: letters(member(edge, 'perm')),
      shared: letters(member(edge, 'shared-perm')),
    })
  }
  for (const node of graph.values()) node.children.sort((a, b) => compareChildNames(a.name, b.name))
  return graph
}

/** `children.10` comes after `children.9`. */
function compareChildNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

function letters(list: Value | undefined): ReadonlySet<string> {
  return new Set(
    (isList(list) ? list : []).flatMap((name) =>
      typeof name === 'string' ? [LETTERS[name] ?? name] : [],
    ),
  )
}

// --- Pictures ----------------------------------------------------------------------------------

export interface PictureOptions {
  readonly permissions: boolean
  /** How a node's name is shown. */
  readonly show: (name: string) => string
}

/** The forest below all nodes that no other node uses. */
export function drawGraph(graph: Graph, options: PictureOptions): string[] {
  const roots = [...graph.values()]
    .filter((node) => node.parents === 0)
    .sort((a, b) => compareNames(a.name, b.name))
  const drawn = new Set<GraphNodeState>()
  const lines: string[] = []
  const draw = (node: GraphNodeState, prefix: string, indent: string): void => {
    const head = indent + prefix + options.show(node.name) + (node.readOnly ? '{ro}' : '')
    if (drawn.has(node)) {
      lines.push(`${head} ^`)
      return
    }
    drawn.add(node)
    lines.push(`${head} ${node.driver}`)
    for (const edge of node.children) {
      if (isHidden(edge)) continue
      const permissions = options.permissions ? showPermissions(edge) : ''
      draw(edge.to, `${edge.name}${permissions} -> `, `${indent}  `)
    }
  }
  for (const root of roots) draw(root, '', '')
  return lines.length === 0 ? ['(empty)'] : lines
}

/** The unnamed protocol node that a format node opened for itself says nothing. */
function isHidden(edge: Edge): boolean {
  return (
    edge.name === 'file' &&
    AUTONAME.test(edge.to.name) &&
    edge.to.children.length === 0 &&
    edge.to.parents === 1
  )
}

function showPermissions(edge: Edge): string {
  const order = (set: ReadonlySet<string>): string =>
    'cwur'
      .split('')
      .filter((letter) => set.has(letter))
      .join('')
  return `[${order(edge.used)}/${order(edge.shared)}]`
}

// --- Claims ------------------------------------------------------------------------------------

export function graphMismatches(graph: Graph, lines: readonly GraphLine[]): Mismatch[] {
  return lines.flatMap((line) => {
    const wrong = lineMismatch(graph, line)
    return wrong === undefined ? [] : [wrong]
  })
}

function lineMismatch(graph: Graph, line: GraphLine): Mismatch | undefined {
  switch (line.kind) {
    case 'present':
      return nodeMismatch(graph, line.node)
    case 'absent':
      return graph.has(line.name)
        ? { span: line.span, message: `node '${line.name}' exists` }
        : undefined
    case 'only':
      return rootsMismatch(graph, line.roots, line.span)
    case 'path': {
      const wrong = pathMismatch(graph, line.from, line.hops)
      if (!line.negated) return wrong
      // A node that does not exist makes the denial meaningless, not true.
      if (!graph.has(line.from.name)) return nodeMismatch(graph, line.from)
      return wrong === undefined ? { span: line.span, message: 'this path exists' } : undefined
    }
  }
}

function nodeMismatch(graph: Graph, wanted: GraphNode): Mismatch | undefined {
  const node = graph.get(wanted.name)
  if (node === undefined) {
    const names = [...graph.keys()].sort().join(', ')
    return {
      span: wanted.span,
      message: `no node '${wanted.name}'; there are ${names === '' ? 'none' : names}`,
    }
  }
  if (wanted.driver !== undefined && wanted.driver !== node.driver) {
    return {
      span: wanted.span,
      message: `node '${node.name}' has driver ${node.driver}, not ${wanted.driver}`,
    }
  }
  if (wanted.mode !== undefined && (wanted.mode === 'ro') !== node.readOnly) {
    const mode = node.readOnly ? 'read-only' : 'writable'
    return { span: wanted.span, message: `node '${node.name}' is ${mode}` }
  }
  return undefined
}

function pathMismatch(
  graph: Graph,
  from: GraphNode,
  hops: readonly GraphHop[],
): Mismatch | undefined {
  const wrong = nodeMismatch(graph, from)
  if (wrong !== undefined) return wrong
  let node = graph.get(from.name)
  for (const hop of hops) {
    if (node === undefined) return undefined
    const result: Mismatch | GraphNodeState =
      hop.kind === 'edge' ? followEdge(graph, node, hop) : followAny(graph, node, hop)
    if ('message' in result) return result
    node = result
  }
  return undefined
}

function followEdge(
  graph: Graph,
  node: GraphNodeState,
  hop: Extract<GraphHop, { readonly kind: 'edge' }>,
): Mismatch | GraphNodeState {
  const edge = node.children.find((entry) => entry.name === hop.child)
  if (edge === undefined) {
    const children = node.children.map((entry) => `${entry.name} -> ${entry.to.name}`).join(', ')
    const have = children === '' ? 'it has none' : `it has ${children}`
    return { span: hop.span, message: `node '${node.name}' has no child '${hop.child}'; ${have}` }
  }
  const wrong = edge.to.name === hop.to.name ? nodeMismatch(graph, hop.to) : undefined
  if (wrong !== undefined) return wrong
  if (edge.to.name !== hop.to.name) {
    return {
      span: hop.to.span,
      message: `'${node.name}' -${hop.child}-> is '${edge.to.name}', not '${hop.to.name}'`,
    }
  }
  if (hop.permissions !== undefined) {
    const same =
      sameLetters(hop.permissions.used, edge.used) &&
      sameLetters(hop.permissions.shared, edge.shared)
    if (!same) {
      return {
        span: hop.span,
        message: `permissions of '${node.name}' -${hop.child}-> are ${showPermissions(edge)}`,
      }
    }
  }
  return edge.to
}

function sameLetters(wanted: string, actual: ReadonlySet<string>): boolean {
  const set = new Set([...wanted].filter((letter) => /[a-z]/.test(letter)))
  return set.size === actual.size && [...set].every((letter) => actual.has(letter))
}

function followAny(
  graph: Graph,
  node: GraphNodeState,
  hop: Extract<GraphHop, { readonly kind: 'reach' }>,
): Mismatch | GraphNodeState {
  const wrong = nodeMismatch(graph, hop.to)
  if (wrong !== undefined) return wrong
  const seen = new Set<GraphNodeState>()
  const stack = node.children.map((edge) => edge.to)
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.name === hop.to.name) return next
    if (seen.has(next)) continue
    seen.add(next)
    stack.push(...next.children.map((edge) => edge.to))
  }
  return { span: hop.span, message: `'${hop.to.name}' cannot be reached from '${node.name}'` }
}

function rootsMismatch(
  graph: Graph,
  roots: readonly GraphNode[],
  span: Span,
): Mismatch | undefined {
  for (const root of roots) {
    const wrong = nodeMismatch(graph, root)
    if (wrong !== undefined) return wrong
    if ((graph.get(root.name)?.parents ?? 0) > 0) {
      return { span: root.span, message: `node '${root.name}' has a parent` }
    }
  }
  const extra = [...graph.values()].find(
    (node) => node.parents === 0 && !roots.some((root) => root.name === node.name),
  )
  return extra === undefined
    ? undefined
    : { span, message: `node '${extra.name}' has no parent either` }
}
