/** The block graph as a target shows it: read over QMP, drawn for goldens, held against claims. */
import type { GraphHop, GraphLine, GraphNode } from '../dsl/plan-claims.ts'
import type { Span, Value } from '../dsl/plan.ts'
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

/** Edges with permissions, where the claims of `graph` cannot ask for them. */
export function isGraphQuery(command: string | undefined): boolean {
  return command === 'query-block-graph' || command === 'x-debug-query-block-graph'
}

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

/** Stands for any node in a claim. */
const ANY = '*'

/** `children.10` comes after `children.9`. */
const { compare: compareChildNames } = new Intl.Collator('en', { numeric: true })

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
      if (line.from.name !== ANY && !graph.has(line.from.name))
        return nodeMismatch(graph, line.from)
      return wrong === undefined ? { span: line.span, message: 'this path exists' } : undefined
    }
  }
}

function nodeMismatch(graph: Graph, wanted: GraphNode): Mismatch | undefined {
  if (wanted.name === ANY) {
    const some = [...graph.values()].some((node) => stateMismatch(node, wanted) === undefined)
    return some ? undefined : { span: wanted.span, message: 'no node is like this' }
  }
  const node = graph.get(wanted.name)
  if (node !== undefined) return stateMismatch(node, wanted)
  const names = [...graph.keys()].sort().join(', ')
  const message = `no node '${wanted.name}'; there are ${names === '' ? 'none' : names}`
  return { span: wanted.span, message }
}

/** Driver and mode of a node that was found. */
function stateMismatch(node: GraphNodeState, wanted: GraphNode): Mismatch | undefined {
  const { span } = wanted
  if (wanted.driver !== undefined && wanted.driver !== node.driver) {
    const message = `node '${node.name}' has driver ${node.driver}, not ${wanted.driver}`
    return { span, message }
  }
  if (wanted.mode !== undefined && (wanted.mode === 'ro') !== node.readOnly) {
    return { span, message: `node '${node.name}' is ${node.readOnly ? 'read-only' : 'writable'}` }
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
  const starts = from.name === ANY ? [...graph.values()] : [graph.get(from.name)]
  let first: Mismatch | undefined
  for (const start of starts) {
    if (start === undefined || stateMismatch(start, from) !== undefined) continue
    const mismatch = followHops(graph, start, hops)
    if (mismatch === undefined) return undefined
    first ??= mismatch
  }
  return first
}

function followHops(
  graph: Graph,
  start: GraphNodeState,
  hops: readonly GraphHop[],
): Mismatch | undefined {
  let node = start
  for (const hop of hops) {
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
  if (hop.to.name !== ANY && hop.to.name !== edge.to.name) {
    // A name that does not exist at all is more likely the author's slip than the graph's.
    const unknown = nodeMismatch(graph, hop.to)
    if (unknown !== undefined && !graph.has(hop.to.name)) return unknown
    const message = `'${node.name}' -${hop.child}-> is '${edge.to.name}', not '${hop.to.name}'`
    return { span: hop.to.span, message }
  }
  const wrong = stateMismatch(edge.to, hop.to)
  if (wrong !== undefined) return wrong
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
  const set = new Set(wanted.match(/[a-z]/g))
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
    if (next.name === hop.to.name || hop.to.name === ANY) return next
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
    if (root.name !== ANY && (graph.get(root.name)?.parents ?? 0) > 0) {
      return { span: root.span, message: `node '${root.name}' has a parent` }
    }
  }
  const extra = [...graph.values()].find(
    (node) => node.parents === 0 && !roots.some((root) => isNamed(root, node)),
  )
  return extra === undefined
    ? undefined
    : { span, message: `node '${extra.name}' has no parent either` }
}

function isNamed(wanted: GraphNode, node: GraphNodeState): boolean {
  return wanted.name === ANY || wanted.name === node.name
}
