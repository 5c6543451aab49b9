/** `save:` names a part of a reply, so that later steps can use it. */
import { readMap, readScalar, shorten } from './check.ts'
import type { Context } from './context.ts'
import type { PathHopAst, SavePathAst } from './grammar/ast.ts'
import { parsePiece, wholeOf, type Piece } from './mini.ts'
import type { SaveItem, SavePath } from './plan.ts'
import { fillWords } from './quoted.ts'
import { spanOf, type Entry, type Node } from './tree.ts'
import { fillText } from './variables.ts'

export function makeSaves(context: Context, node: Node): readonly SaveItem[] {
  const map = readMap(context, node, "'save'")
  return map?.entries.flatMap((entry) => makeSave(context, entry) ?? []) ?? []
}

function makeSave(context: Context, entry: Entry): SaveItem | undefined {
  const name = fillText(context, entry.key)
  if (name === undefined) return undefined
  const clash = context.scope.lookup(name.text)
  if (!/^[A-Za-z_]\w*$/.test(name.text) || name.text === 'img' || name.text === 'new') {
    context.problem(entry.key, 'bad-name', `'${shorten(name.text)}' can not name a saved value`, {
      help: 'names are letters, digits and _; img and new are taken',
    })
  } else if (clash !== undefined) {
    context.problem(entry.key, 'duplicate-variable', `the variable '${name.text}' exists already`, {
      notes: [{ message: 'defined here', span: clash.span }],
    })
  }
  const text = readScalar(context, entry.value, 'a path')
  if (text === undefined) return undefined
  const piece = wholeOf(text)
  const ast = parsePiece(context, 'path', piece)
  if (ast === undefined) return undefined
  context.names.add('save', name.text, spanOf(entry.key))
  return {
    name: name.text,
    path: makePath(context, piece, ast),
    text: text.text.trim(),
    span: spanOf(entry.key),
  }
}

function makePath(context: Context, piece: Piece, ast: SavePathAst): SavePath {
  const hops = ast.hops.map((hop) => makeHop(context, piece, hop))
  return ast.command === null ? { hops } : { command: ast.command.name, hops }
}

function makeHop(context: Context, piece: Piece, hop: PathHopAst): SavePath['hops'][number] {
  switch (hop.kind) {
    case 'member':
      return { kind: 'member', name: hop.name }
    case 'index':
      return { kind: 'index', index: hop.index }
    case 'where': {
      const value = fillWords(context, piece, hop, hop.value) ?? hop.value
      return { kind: 'where', member: hop.member, value }
    }
  }
}
