/** I/O scripts: lines parsed one by one, loops unrolled, ranges and patterns evaluated. */
import type { Context } from './context.ts'
import { evaluate, evaluateRange, foldRange, fold, type IoPlace } from './expr.ts'
import type { ForAst, LineAst, RangeAst, StatementAst } from './grammar/ast.ts'
import { makeOutcome } from './io-outcome.ts'
import { makeRw } from './io-rw.ts'
import { awaitTags } from './io-tags.ts'
import { makeWant } from './io-want.ts'
import { linesOf, parsePiece, spanAt, type Piece } from './mini.ts'
import type { IoLine, IoScript, IoStatement } from './plan-io.ts'
import { printStatement } from './print.ts'
import type { ScalarNode } from './tree.ts'

/** What the statements of a script act on: tags belong to it. */
export interface ScriptOptions {
  readonly subject: string
}

export function makeScript(context: Context, script: ScalarNode, options: ScriptOptions): IoScript {
  const lines: IoLine[] = []
  for (const piece of linesOf(script)) {
    const ast = parsePiece(context, 'io', piece)
    if (ast === undefined || ast === null) continue
    if (!unroll({ context, piece, loops: new Map() }, ast, options, lines)) break
  }
  if (lines.length === 0 && script.text.trim() === '') {
    context.problem(script, 'io-empty', 'the script is empty')
  }
  return { lines }
}

/** Appends the line, or each turn of a loop; false once there are too many. */
function unroll(place: IoPlace, ast: LineAst, options: ScriptOptions, lines: IoLine[]): boolean {
  const { context, piece } = place
  if (ast.kind === 'for') return unrollFor(place, ast, options, lines)
  if (!context.spendIoLine(piece.node, spanAt(piece, ast))) return false
  const outcome = makeOutcome(place, ast.statement, ast.outcome, spanAt(piece, ast))
  const made = makeStatement(place, ast.statement, options, outcome?.kind === 'pending')
  if (made === undefined || outcome === undefined) return true
  const text = printStatement(made.shown)
  lines.push({ statement: made.statement, outcome, text, span: spanAt(piece, ast) })
  return true
}

function unrollFor(place: IoPlace, ast: ForAst, options: ScriptOptions, lines: IoLine[]): boolean {
  const { context, piece, loops } = place
  const from = evaluate(place, ast.from)
  const to = evaluate(place, ast.to)
  const step = ast.step === null ? 1 : evaluate(place, ast.step)
  if (from === undefined || to === undefined || step === undefined) return true
  const span = spanAt(piece, ast)
  if (step === 0) {
    context.doubtIn(piece.node, span, 'io-loop-step', 'the step of a loop is at least 1')
    return true
  }
  if (to < from) {
    const message = `the loop never runs: ${String(from)}..${String(to)}`
    context.doubtIn(piece.node, span, 'io-loop-empty', message)
    return true
  }
  if (loops.has(ast.variable) || context.scope.lookup(ast.variable) !== undefined) {
    const message = `the variable '${ast.variable}' exists already`
    context.problemIn(piece.node, span, 'duplicate-variable', message)
    return true
  }
  for (let value = from; value <= to; value += step) {
    // An inner loop may have nothing to do, so turns are counted as well as lines.
    if (ast.body.kind === 'for' && !context.spendIoLine(piece.node, span)) return false
    const inner = { ...place, loops: new Map([...loops, [ast.variable, value]]) }
    if (!unroll(inner, ast.body, options, lines)) return false
  }
  return true
}

export interface Made {
  readonly statement: IoStatement
  /** The statement as the transcript shows it. */
  readonly shown: StatementAst
}

function makeStatement(
  place: IoPlace,
  ast: StatementAst,
  { subject }: ScriptOptions,
  pending: boolean,
): Made | undefined {
  switch (ast.kind) {
    case 'flush':
      return { statement: { kind: 'flush' }, shown: ast }
    case 'rw':
      return makeRw(place, ast, subject, pending)
    case 'zero': {
      const range = ranged(place, ast.range)
      if (range === undefined) return undefined
      const { unmap } = ast
      return {
        statement: { kind: 'zero', ...range.resolved, unmap },
        shown: { ...ast, range: range.shown },
      }
    }
    case 'discard': {
      const range = ranged(place, ast.range)
      if (range === undefined) return undefined
      return {
        statement: { kind: 'discard', ...range.resolved },
        shown: { ...ast, range: range.shown },
      }
    }
    case 'truncate': {
      const bytes = evaluate(place, ast.size)
      if (bytes === undefined) return undefined
      return {
        statement: { kind: 'truncate', bytes },
        shown: { ...ast, size: fold(place, ast.size) },
      }
    }
    case 'map':
      return makeMap(place, ast)
    case 'await':
      awaitTags(place, ast.tags, subject)
      return { statement: { kind: 'await', tags: ast.tags.map(({ name }) => name) }, shown: ast }
    case 'verify':
      return makeVerify(place, ast)
  }
}

function makeMap(place: IoPlace, ast: StatementAst & { readonly kind: 'map' }): Made | undefined {
  if (ast.range === null) return { statement: { kind: 'map' }, shown: ast }
  const range = ranged(place, ast.range)
  if (range === undefined) return undefined
  return { statement: { kind: 'map', ...range.resolved }, shown: { ...ast, range: range.shown } }
}

function makeVerify(
  place: IoPlace,
  ast: StatementAst & { readonly kind: 'verify' },
): Made | undefined {
  const made = makeWant(place, ast.want)
  if (made === undefined) return undefined
  place.context.claim(spanAt(place.piece, ast), false)
  return { statement: { kind: 'verify', want: made.want }, shown: { ...ast, want: made.shown } }
}

function ranged(place: IoPlace, ast: RangeAst) {
  const resolved = evaluateRange(place, ast)
  return resolved === undefined ? undefined : { resolved, shown: foldRange(place, ast, resolved) }
}

/** What a `verify` step demands of one subject. */
export function makeWantOf(context: Context, node: ScalarNode) {
  const piece: Piece = { node, offset: 0, text: node.text.replaceAll('\n', ' ').trimEnd() }
  const ast = parsePiece(context, 'want', piece)
  if (ast === undefined) return undefined
  return makeWant({ context, piece, loops: new Map() }, ast)
}
