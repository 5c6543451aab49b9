/** Match expressions: what the grammar built becomes what the runner compares with. */
import type { Context } from './context.ts'
import type { At, MatchAst } from './grammar/ast.ts'
import { spanAt, type Piece } from './mini.ts'
import type { Match } from './plan-claims.ts'
import type { Scalar, Span } from './plan.ts'
import { fillWords, unquote } from './quoted.ts'
import { makeRegex } from './regex.ts'
import { scalarOf } from './template.ts'
import { spanIn, type ScalarNode } from './tree.ts'
import { lookUp, runtimeVariable } from './variables.ts'

export function makeMatch(context: Context, piece: Piece, ast: MatchAst): Match | undefined {
  const span = spanAt(piece, ast)
  switch (ast.kind) {
    case 'any':
    case 'absent':
    case 'present':
      return { kind: ast.kind, span }
    case 'type':
      return { kind: 'type', type: ast.type, span }
    case 'equal':
    case 'quoted':
      return equalMatch(context, piece, ast, span)
    case 'variable':
      return variableMatch(context, piece, ast, span)
    case 'regex':
      return regexMatch(context, piece, ast, span)
    case 'between':
    case 'compare':
    case 'about':
      return numberMatch(context, piece, ast, span)
    case 'count':
    case 'not': {
      const match = makeMatch(context, piece, ast.match)
      return match === undefined ? undefined : { kind: ast.kind, match, span }
    }
    case 'all':
    case 'one': {
      const matches = makeAll(context, piece, ast.matches)
      return matches === undefined ? undefined : { kind: ast.kind, matches, span }
    }
    case 'seq':
    case 'set':
    case 'has': {
      const items = makeAll(context, piece, ast.items)
      return items === undefined ? undefined : { kind: ast.kind, items, span }
    }
    case 'object':
      return objectMatch(context, piece, ast, span)
  }
}

function makeAll(context: Context, piece: Piece, asts: readonly MatchAst[]): Match[] | undefined {
  const made = asts.map((ast) => makeMatch(context, piece, ast))
  const matches = made.filter((match) => match !== undefined)
  return matches.length < made.length ? undefined : matches
}

type AstOf<K extends MatchAst['kind']> = Extract<MatchAst, { readonly kind: K }>

function equalMatch(
  context: Context,
  piece: Piece,
  ast: AstOf<'equal' | 'quoted'>,
  span: Span,
): Match | undefined {
  if (ast.kind === 'quoted') {
    const text = unquote(context, piece, ast)
    return text === undefined ? undefined : { kind: 'equal', value: text, span }
  }
  if (typeof ast.value !== 'string') return { kind: 'equal', value: ast.value, span }
  const text = fillWords(context, piece, ast, ast.value)
  return text === undefined ? undefined : { kind: 'equal', value: text, span }
}

function variableMatch(
  context: Context,
  piece: Piece,
  ast: AstOf<'variable'>,
  span: Span,
): Match | undefined {
  const value = knownValue(context, piece, ast)
  if (value === undefined) return undefined
  return 'variable' in value
    ? { kind: 'variable', variable: value.variable, span }
    : { kind: 'equal', value: value.scalar, span }
}

/** A variable's value, or the variable where only the target knows. */
function knownValue(context: Context, piece: Piece, ast: At & { readonly path: string }) {
  const { node } = piece
  const reference = { path: ast.path, start: piece.offset + ast.start, end: piece.offset + ast.end }
  const found = lookUp(context, node, reference)
  if (found.kind === 'unknown') return undefined
  if (found.kind === 'runtime') return { variable: runtimeVariable(node, reference, found.scope) }
  if (found.node.kind === 'scalar' && found.path === ast.path)
    return { scalar: scalarIn(found.node) }
  const message = `the value of $${ast.path} is no single value; let the variable stand alone, without ~`
  context.problemIn(node, spanIn(node, reference.start, reference.end), 'variable-in-text', message)
  return undefined
}

function scalarIn(node: ScalarNode): Scalar {
  return scalarOf(node)
}

function regexMatch(
  context: Context,
  piece: Piece,
  ast: AstOf<'regex'>,
  span: Span,
): Match | undefined {
  const made = makeRegex(ast.body, ast.flags)
  if ('regex' in made) return { kind: 'regex', regex: made.regex, span }
  context.problemIn(piece.node, span, made.code, made.message, { help: made.help })
  return undefined
}

function numberMatch(
  context: Context,
  piece: Piece,
  ast: AstOf<'between' | 'compare' | 'about'>,
  span: Span,
): Match | undefined {
  switch (ast.kind) {
    case 'about': {
      const percent = Number(ast.percent)
      if (percent >= 0 && percent <= 100)
        return { kind: 'about', value: Number(ast.value), percent, span }
      context.problemIn(piece.node, span, 'match-percent', 'a tolerance is 0 to 100 percent')
      return undefined
    }
    case 'between':
      if (ast.low <= ast.high)
        return { kind: 'between', low: Number(ast.low), high: Number(ast.high), span }
      context.problemIn(piece.node, span, 'match-reversed', 'the range ends before it begins', {
        help: 'both ends belong to a range of values',
      })
      return undefined
    case 'compare': {
      const { operator, to } = ast
      if (typeof to !== 'object') return { kind: 'compare', operator, to: Number(to), span }
      const value = knownValue(context, piece, to)
      if (value === undefined) return undefined
      if (
        'scalar' in value &&
        (typeof value.scalar === 'number' || typeof value.scalar === 'bigint')
      ) {
        return { kind: 'compare', operator, to: Number(value.scalar), span }
      }
      const message = `$${to.path} is no number that is known before the scenario runs`
      context.problemIn(piece.node, spanAt(piece, to), 'runtime-variable', message)
      return undefined
    }
  }
}

function objectMatch(
  context: Context,
  piece: Piece,
  ast: AstOf<'object'>,
  span: Span,
): Match | undefined {
  const names = new Set<string>()
  const members = []
  for (const { key, match } of ast.members) {
    const keySpan = spanAt(piece, key)
    const name = fillWords(context, piece, key, key.name)
    if (name !== undefined && names.has(name)) {
      context.problemIn(
        piece.node,
        keySpan,
        'match-duplicate-key',
        `member '${name}' stands here twice`,
      )
    }
    const made = makeMatch(context, piece, match)
    if (made === undefined || name === undefined) return undefined
    names.add(name)
    members.push({ key: name, keySpan, match: made })
  }
  return { kind: 'object', exact: ast.exact, members, span }
}
