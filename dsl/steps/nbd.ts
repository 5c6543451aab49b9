/** `nbd`: the NBD client. */
import { readScalar, readText } from '../check.ts'
import type { Context } from '../context.ts'
import { evaluateRange, foldRange, type IoPlace } from '../expr.ts'
import type { FlagAst, RangeAst } from '../grammar/ast.ts'
import { makeOutcome } from '../io-outcome.ts'
import { linesOf, parsePiece, spanAt, type Piece } from '../mini.ts'
import { makePattern } from '../pattern.ts'
import type { NbdLine, Pattern, StepBody } from '../plan.ts'
import { printNbdStatement } from '../print.ts'
import { checkName } from '../subject.ts'
import { find, spanOf } from '../tree.ts'
import { fillText } from '../variables.ts'
import { defineStep, TEXT, type StepInput } from './kind.ts'

export const nbd = defineStep({
  doc: 'Speaks NBD to an export: info, list, meta CONTEXT, read, write; the script stands under do.',
  schema: TEXT,
  keys: { do: { doc: 'NBD script, one statement a line.', schema: TEXT } },
  build: buildNbd,
})

function buildNbd(context: Context, { map, value }: StepInput): readonly StepBody[] {
  const name = readText(context, value, "'nbd'")
  const entry = find(map, 'do')
  if (entry === undefined) {
    context.problem(value, 'missing-key', "an nbd step needs its script under 'do'")
    return []
  }
  const script = readScalar(context, entry.value, "'do'")
  if (script === undefined || name === undefined) return []
  const lines = linesOf(script).flatMap((piece) => makeNbdLine(context, piece) ?? [])
  if (script.text.trim() === '') context.problem(script, 'io-empty', 'the script is empty')
  const fails = lines.length > 0 && lines.every(({ outcome }) => outcome.kind !== 'ok')
  const filled = fillText(context, name)?.text ?? name.text
  if (!fails) checkName(context, name, spanOf(name), 'export', filled.replace(/^nbd:/, ''))
  return lines.length === 0 ? [] : [{ kind: 'nbd', export: filled.replace(/^nbd:/, ''), lines }]
}

function makeNbdLine(context: Context, piece: Piece): NbdLine | undefined {
  const ast = parsePiece(context, 'nbd', piece)
  if (ast === undefined || ast === null) return undefined
  const span = spanAt(piece, ast)
  if (!context.spendIoLine(piece.node, span)) return undefined
  const place: IoPlace = { context, piece, loops: new Map() }
  const { statement } = ast
  const outcome = makeOutcome(place, statement, ast.outcome, span)
  if (outcome === undefined) return undefined
  if (statement.kind === 'info' || statement.kind === 'list') {
    return { kind: statement.kind, text: statement.kind, outcome, span }
  }
  const range = statement.range === null ? null : resolveRange(place, statement.range)
  if (range === undefined) return undefined
  if (statement.kind === 'meta') {
    const shown = { ...statement, range: range?.shown ?? null }
    return {
      kind: 'meta',
      context: statement.context,
      ...range?.resolved,
      text: printNbdStatement(shown),
      outcome,
      span,
    }
  }
  const pattern = patternOf(place, statement.flags)
  if (range === null || pattern === 'wrong') return undefined
  const text = printNbdStatement({ ...statement, range: range.shown })
  return {
    kind: statement.kind,
    ...range.resolved,
    ...(pattern === undefined ? {} : { pattern }),
    text,
    outcome,
    span,
  }
}

function resolveRange(place: IoPlace, ast: RangeAst) {
  const resolved = evaluateRange(place, ast)
  return resolved === undefined ? undefined : { resolved, shown: foldRange(place, ast, resolved) }
}

function patternOf(place: IoPlace, flags: readonly FlagAst[]): Pattern | undefined | 'wrong' {
  const wrong = flags.find((flag) => flag.kind !== 'pattern')
  if (wrong !== undefined) {
    place.context.problemIn(
      place.piece.node,
      spanAt(place.piece, wrong),
      'io-flag-conflict',
      'an nbd step takes -P alone',
    )
    return 'wrong'
  }
  const [flag, second] = flags
  if (second !== undefined) {
    place.context.problemIn(
      place.piece.node,
      spanAt(place.piece, second),
      'io-flag-twice',
      'option -P stands here twice',
    )
  }
  return flag?.kind === 'pattern' ? (makePattern(place, flag.pattern) ?? 'wrong') : undefined
}
