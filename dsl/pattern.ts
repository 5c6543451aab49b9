/** Patterns of I/O scripts: what bytes are written or expected. */
import type { Context } from './context.ts'
import { isTamePath } from './check.ts'
import { evaluate, nodeOfRef, type IoPlace } from './expr.ts'
import type { PatternAst } from './grammar/ast.ts'
import { parsePiece, parseText, spanAt, wholeOf } from './mini.ts'
import type { Pattern } from './plan-io.ts'
import { parseSize } from './size.ts'
import type { ScalarNode } from './tree.ts'

export function makePattern(place: IoPlace, ast: PatternAst): Pattern | undefined {
  const span = spanAt(place.piece, ast)
  switch (ast.kind) {
    case 'lba':
      return { kind: 'lba', span }
    case 'seq': {
      const start = byteOf(place, ast)
      return start === undefined ? undefined : { kind: 'seq', start, span }
    }
    case 'rand': {
      const seed = evaluate(place, ast.value)
      return seed === undefined ? undefined : { kind: 'rand', seed, span }
    }
    case 'hex':
      return hexPattern(place, ast)
    case 'file':
      return filePattern(place, ast)
    case 'byte': {
      const text = patternVariable(place, ast)
      if (text !== undefined) return patternOfVariable(place.context, text, span)
      const byte = byteOf(place, ast)
      return byte === undefined ? undefined : { kind: 'byte', byte, span }
    }
  }
}

/** `-P $p` where the variable holds a pattern such as `seq(4)` and no number. */
function patternVariable(place: IoPlace, ast: PatternAst): ScalarNode | undefined {
  if (ast.kind !== 'byte' || ast.value.kind !== 'ref' || place.loops.has(ast.value.path))
    return undefined
  if (place.context.scope.lookup(ast.value.path.split('.')[0] ?? '') === undefined) return undefined
  const node = nodeOfRef(place, ast.value)
  const isText = node?.kind === 'scalar' && typeof node.value === 'string'
  if (!isText || parseSize(node.text) !== undefined) return undefined
  // Anything that starts like a pattern is told as one, mistakes included.
  return 'ast' in parseText(place.context.cache, 'pattern', node.text) ||
    /^[a-z]+\(|^lba$/.test(node.text)
    ? node
    : undefined
}

function patternOfVariable(
  context: Context,
  node: ScalarNode,
  span: Pattern['span'],
): Pattern | undefined {
  const piece = wholeOf(node)
  const ast = parsePiece(context, 'pattern', piece)
  if (ast === undefined) return undefined
  const pattern = makePattern({ context, piece, loops: new Map() }, ast)
  return pattern === undefined ? undefined : { ...pattern, span }
}

function byteOf(
  place: IoPlace,
  ast: Extract<PatternAst, { readonly kind: 'byte' | 'seq' | 'rand' }>,
): number | undefined {
  const value = evaluate(place, ast.value)
  if (value === undefined || value < 256) return value
  const { context, piece } = place
  context.doubtIn(
    piece.node,
    spanAt(piece, ast.value),
    'io-pattern-range',
    `a pattern is one byte, 0 to 255, not ${String(value)}`,
  )
  return undefined
}

function hexPattern(
  place: IoPlace,
  ast: PatternAst & { readonly kind: 'hex' },
): Pattern | undefined {
  const span = spanAt(place.piece, ast)
  if (/^(?:[0-9a-fA-F]{2})+$/.test(ast.digits)) {
    return { kind: 'hex', bytes: ast.digits.toLowerCase(), span }
  }
  place.context.problemIn(
    place.piece.node,
    span,
    'io-hex',
    'hex(…) holds pairs of hexadecimal digits, at least one pair',
  )
  return undefined
}

function filePattern(
  place: IoPlace,
  ast: PatternAst & { readonly kind: 'file' },
): Pattern | undefined {
  const span = spanAt(place.piece, ast)
  const offset = ast.offset === null ? 0 : evaluate(place, ast.offset)
  if (!isTamePath(ast.path)) {
    place.context.problemIn(
      place.piece.node,
      span,
      'path-outside',
      `the path '${ast.path}' leads out of the suite`,
      {
        help: "paths are relative to the suite's folder and hold no '..'",
      },
    )
    return undefined
  }
  return offset === undefined ? undefined : { kind: 'file', path: ast.path, offset, span }
}
