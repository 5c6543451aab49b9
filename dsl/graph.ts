/** Claims about the block graph. */
import type { Context } from './context.ts'
import type { GraphNodeAst, HopAst } from './grammar/ast.ts'
import { fillWords } from './quoted.ts'
import { linesOf, parsePiece, spanAt, type Piece } from './mini.ts'
import type { GraphHop, GraphLine, GraphNode } from './plan-claims.ts'
import { printGraph } from './print-graph.ts'
import type { ScalarNode } from './tree.ts'

/** The lines of a claim; blank ones and comments are dropped. */
export function makeGraphLines(context: Context, text: ScalarNode): readonly GraphLine[] {
  return linesOf(text).flatMap((piece) => makeGraphLine(context, piece) ?? [])
}

export function makeGraphLine(context: Context, piece: Piece): GraphLine | undefined {
  const ast = parsePiece(context, 'graph', piece)
  if (ast === undefined || ast === null) return undefined
  const place = { context, piece }
  const span = spanAt(piece, ast)
  context.claim(span, false)
  const common = { span, text: printGraph(ast) }
  switch (ast.kind) {
    case 'absent':
      return { kind: 'absent', name: word(place, ast, ast.name), ...common }
    case 'present':
      return { kind: 'present', node: makeNode(place, ast.node), ...common }
    case 'only':
      return { kind: 'only', roots: ast.roots.map((root) => makeNode(place, root)), ...common }
    case 'path': {
      const hops = ast.hops.map((hop) => makeHop(place, hop))
      const from = makeNode(place, ast.from)
      return { kind: 'path', negated: ast.negated, from, hops, ...common }
    }
  }
}

interface Place {
  readonly context: Context
  readonly piece: Piece
}

function word({ context, piece }: Place, at: { start: number; end: number }, text: string): string {
  return fillWords(context, piece, at, text) ?? text
}

function makeNode(place: Place, ast: GraphNodeAst): GraphNode {
  return {
    name: word(place, { start: ast.start, end: ast.start + ast.name.length }, ast.name),
    ...(ast.driver === null ? {} : { driver: word(place, ast, ast.driver) }),
    ...(ast.mode === null ? {} : { mode: ast.mode }),
    span: spanAt(place.piece, ast),
  }
}

function makeHop(place: Place, ast: HopAst): GraphHop {
  const span = spanAt(place.piece, { start: ast.start + 1, end: ast.end })
  const to = makeNode(place, ast.to)
  if (ast.kind === 'reach') return { kind: 'reach', to, span }
  const { permissions } = ast
  return {
    kind: 'edge',
    child: word(place, ast, ast.child),
    ...(permissions === null
      ? {}
      : { permissions: { used: letters(permissions.used), shared: letters(permissions.shared) } }),
    to,
    span,
  }
}

/** Each letter once, in the order c w u r. */
function letters(text: string): string {
  return ['c', 'w', 'u', 'r'].filter((letter) => text.includes(letter)).join('')
}
