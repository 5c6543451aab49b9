/** Canonical spelling of claims about the graph. */
import type { GraphAst, GraphNodeAst, HopAst } from './grammar/ast.ts'
import type { GraphLine } from './plan-claims.ts'

export function printGraphLine(line: GraphLine): string {
  return line.text
}

export function printGraph(line: GraphAst): string {
  switch (line.kind) {
    case 'path':
      return `${line.negated ? 'not ' : ''}${printGraphNode(line.from)}${line.hops.map(printHop).join('')}`
    case 'only':
      return `only ${line.roots.map(printGraphNode).join(', ')}`
    case 'absent':
      return `no node ${line.name}`
    case 'present':
      return `node ${printGraphNode(line.node)}`
  }
}

function printGraphNode(node: GraphNodeAst): string {
  const driver = node.driver === null ? '' : `(${node.driver})`
  const mode = node.mode === null ? '' : `{${node.mode}}`
  return `${node.name}${driver}${mode}`
}

function printHop(hop: HopAst): string {
  if (hop.kind === 'reach') return ` ... ${printGraphNode(hop.to)}`
  const permissions =
    hop.permissions === null ? '' : `[${hop.permissions.used}/${hop.permissions.shared}]`
  return ` -${hop.child}${permissions}-> ${printGraphNode(hop.to)}`
}
