/**
 * Conditions of `if` and `unless`. What only depends on values known here is decided here; the rest
 * is left for the running target.
 */
import { readBoolean } from './check.ts'
import type { Context } from './context.ts'
import type { ConditionAst, TermAst } from './grammar/ast.ts'
import { parsePiece, spanAt, wholeOf, type Piece } from './mini.ts'
import type { Condition, Template } from './plan.ts'
import { fillWords } from './quoted.ts'
import { find, type MapNode, type Node } from './tree.ts'
import { lookUp, resolve, runtimeVariable } from './variables.ts'

/** The condition of a step, from its `if` and `unless`; undefined without either. */
export function stepCondition(context: Context, step: MapNode): Condition | undefined {
  const positive = find(step, 'if')
  const negative = find(step, 'unless')
  const conditions: Condition[] = []
  if (positive !== undefined) {
    const condition = makeCondition(context, positive.value)
    if (condition !== undefined) conditions.push(condition)
  }
  if (negative !== undefined) {
    const condition = makeCondition(context, negative.value)
    if (condition !== undefined) conditions.push(negate(condition))
  }
  const [first] = conditions
  if (first === undefined || conditions.length === 1) return first
  return join('and', conditions, first.span)
}

export function makeCondition(context: Context, node: Node): Condition | undefined {
  const value = resolve(context, node)
  if (value === undefined) return undefined
  if (value.kind !== 'scalar' || typeof value.value !== 'string') {
    const constant = readBoolean(context, value, 'a condition')
    return constant === undefined
      ? undefined
      : { kind: 'constant', value: constant, span: value.source.span(value.start, value.end) }
  }
  const piece = wholeOf(value)
  const ast = parsePiece(context, 'condition', piece)
  return ast === undefined ? undefined : build(context, piece, ast)
}

function build(context: Context, piece: Piece, ast: ConditionAst): Condition {
  const span = spanAt(piece, ast)
  switch (ast.kind) {
    case 'or':
    case 'and':
      return join(
        ast.kind,
        ast.conditions.map((item) => build(context, piece, item)),
        span,
      )
    case 'not':
      return negate(build(context, piece, ast.condition))
    case 'has':
      return { kind: 'has', need: fillWords(context, piece, ast, ast.need) ?? ast.need, span }
    case 'version':
      return { kind: 'version', operator: ast.operator, version: ast.version, span }
    case 'compare': {
      const left = term(context, piece, ast.left)
      const right = term(context, piece, ast.right)
      if (typeof left === 'string' && typeof right === 'string') {
        return { kind: 'constant', value: (left === right) === ast.equal, span }
      }
      return {
        kind: 'compare',
        equal: ast.equal,
        left: templateOf(piece, ast.left, left),
        right: templateOf(piece, ast.right, right),
        span,
      }
    }
  }
}

/** The text of a value that is known here, else the variable. Numbers compare by their value. */
function term(context: Context, piece: Piece, ast: TermAst): string | Template {
  if (ast.kind === 'value') return normal(ast.value)
  const { node, offset } = piece
  const reference = { path: ast.path, start: offset + ast.start, end: offset + ast.end }
  const found = lookUp(context, node, reference)
  if (found.kind === 'runtime') return runtimeVariable(node, reference, found.scope)
  if (found.kind === 'unknown') return ''
  if (found.node.kind === 'scalar' && found.path === ast.path) {
    const { value, text } = found.node
    return normal(typeof value === 'bigint' ? String(value) : text)
  }
  context.problemIn(
    node,
    spanAt(piece, ast),
    'variable-in-text',
    `the value of $${ast.path} is no single value`,
  )
  return ''
}

/** `0x10` and `16` are one value; text is itself. */
function normal(text: string): string {
  return /^0x[0-9a-fA-F]{1,16}$/.test(text) ? String(BigInt(text)) : text
}

function templateOf(piece: Piece, ast: TermAst, value: string | Template): Template {
  return typeof value === 'string' ? { kind: 'scalar', value, span: spanAt(piece, ast) } : value
}

function negate(condition: Condition): Condition {
  if (condition.kind === 'constant') return { ...condition, value: !condition.value }
  return { kind: 'not', condition, span: condition.span }
}

/** Drops what is decided: true under `and`, false under `or`. */
function join(
  kind: 'and' | 'or',
  conditions: readonly Condition[],
  span: Condition['span'],
): Condition {
  const decisive = kind === 'or'
  const left = conditions.filter((item) => item.kind !== 'constant')
  if (conditions.some((item) => item.kind === 'constant' && item.value === decisive)) {
    return { kind: 'constant', value: decisive, span }
  }
  const [first] = left
  if (first === undefined) return { kind: 'constant', value: !decisive, span }
  return left.length === 1 ? first : { kind, conditions: left, span }
}
