/** Evaluates the expressions of I/O scripts: numbers, and variables of loops and matrices. */
import type { Context } from './context.ts'
import type { At, Expr, RangeAst } from './grammar/ast.ts'
import { spanAt, type Piece } from './mini.ts'
import { parseSize, printSize } from './size.ts'
import { didYouMean } from './suggest.ts'
import { describe, spanOf, type Node } from './tree.ts'

/** Where an expression stands: its text, and the variables of the `for` loops around it. */
export interface IoPlace {
  readonly context: Context
  readonly piece: Piece
  readonly loops: ReadonlyMap<string, number>
}

export interface Resolved {
  readonly offset: number
  readonly bytes: number
}

/** A safe integer that is not negative, or undefined after a report. */
export function evaluate(place: IoPlace, expr: Expr): number | undefined {
  const value = compute(place, expr)
  if (value === undefined) return undefined
  if (value < 0) {
    report(place, expr, 'io-negative', `this is negative: ${String(value)}`)
    return undefined
  }
  if (!Number.isSafeInteger(value)) {
    report(place, expr, 'number-too-large', 'numbers go up to 2^53-1 here')
    return undefined
  }
  return value
}

function compute(place: IoPlace, expr: Expr): number | undefined {
  if (expr.kind === 'number') return expr.value
  if (expr.kind === 'ref') return valueOfRef(place, expr)
  const values: number[] = []
  for (const term of expr.terms) {
    const value = compute(place, term)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values.reduce((total, value) => (expr.kind === 'mul' ? total * value : total - value))
}

function valueOfRef(place: IoPlace, ref: At & { readonly path: string }): number | undefined {
  const counter = place.loops.get(ref.path)
  if (counter !== undefined) return counter
  const node = nodeOfRef(place, ref)
  if (node === undefined) return undefined
  const size = node.kind === 'scalar' ? sizeOf(node.value, node.text) : undefined
  if (size === undefined) {
    report(
      place,
      ref,
      'not-a-size',
      `the value of '${ref.path}' is ${describe(node)}, not a size`,
      [{ message: 'its value', span: spanOf(node) }],
    )
  }
  return size
}

function sizeOf(value: unknown, text: string): number | undefined {
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' ? parseSize(text) : undefined
}

/** The value that a reference names, followed through members. */
export function nodeOfRef(place: IoPlace, ref: At & { readonly path: string }): Node | undefined {
  const { context } = place
  const [head = '', ...members] = ref.path.split('.')
  const binding = context.scope.lookup(head)
  if (binding === undefined) {
    reportUnknown(place, ref, head)
    return undefined
  }
  binding.usage.used = true
  let node: Node | undefined = binding.node
  for (const member of members) {
    node = node.kind === 'map' ? node.entries.find(({ name }) => name === member)?.value : undefined
    if (node === undefined) {
      report(place, ref, 'undefined-variable', `the value of '${head}' has no member '${member}'`)
      return undefined
    }
  }
  return node
}

function reportUnknown(place: IoPlace, ref: At, head: string): void {
  const { context, piece } = place
  if (head === 'img' || head === 'new' || context.names.find('save', head) !== undefined) {
    report(
      place,
      ref,
      'runtime-variable',
      `$${head} is only known while the scenario runs; I/O needs numbers`,
    )
    return
  }
  const known = [...place.loops.keys(), ...context.scope.names()]
  context.problemIn(
    piece.node,
    spanAt(piece, ref),
    'undefined-variable',
    `no variable is called '${head}' here`,
    {
      help: didYouMean(head, known),
    },
  )
}

type ReportCode =
  'io-negative' | 'number-too-large' | 'not-a-size' | 'undefined-variable' | 'runtime-variable'

function report(
  place: IoPlace,
  at: At,
  code: ReportCode,
  message: string,
  notes: { message: string; span: ReturnType<typeof spanOf> }[] = [],
): void {
  const { context, piece } = place
  const span = spanAt(piece, at)
  if (code === 'undefined-variable') context.problemIn(piece.node, span, code, message, { notes })
  else context.doubtIn(piece.node, span, code, message, { notes })
}

/** Offset and length; the range may not be empty. */
export function evaluateRange(place: IoPlace, range: RangeAst): Resolved | undefined {
  const offset = evaluate(place, range.off)
  const tail = range.to ?? range.bytes
  const last = tail === undefined ? undefined : evaluate(place, tail)
  if (offset === undefined || last === undefined) return undefined
  const bytes = range.to === undefined ? last : last - offset
  if (bytes <= 0) {
    const { context, piece } = place
    const message =
      bytes < 0
        ? `the range ends before it begins: ${printSize(last)} < ${printSize(offset)}`
        : 'the range is empty'
    context.doubtIn(piece.node, spanAt(piece, range), 'io-empty-range', message, {
      help: 'the end of a range does not belong to it: 0..64k is 64k long',
    })
    return undefined
  }
  if (Number.isSafeInteger(offset + bytes)) return { offset, bytes }
  report(place, range, 'number-too-large', 'offsets go up to 2^53-1')
  return undefined
}

/** True if an expression names a variable whose spelling stays visible: one of matrix or params. */
export function isSymbolic(place: IoPlace, expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
      return false
    case 'ref': {
      if (place.loops.has(expr.path)) return false
      const scope = place.context.scope.lookup(expr.path.split('.')[0] ?? '')?.scope
      return scope === 'matrix' || scope === 'param'
    }
    case 'mul':
    case 'sub':
      return expr.terms.some((term) => isSymbolic(place, term))
  }
}

/** Parts of an expression that hold no such variable become the number they are. */
export function fold(place: IoPlace, expr: Expr): Expr {
  if (!isSymbolic(place, expr)) {
    const value = compute(place, expr)
    return value === undefined || value < 0
      ? expr
      : { kind: 'number', value, start: expr.start, end: expr.end }
  }
  if (expr.kind !== 'mul' && expr.kind !== 'sub') return expr
  return { ...expr, terms: expr.terms.map((term) => fold(place, term)) }
}

/** The range as goldens show it: half-open with its numbers, or with its visible variables. */
export function foldRange(place: IoPlace, range: RangeAst, resolved: Resolved): RangeAst {
  const tail = range.to ?? range.bytes
  const symbolic = isSymbolic(place, range.off) || (tail !== undefined && isSymbolic(place, tail))
  const { start, end } = range
  if (!symbolic) {
    const number = (value: number): Expr => ({ kind: 'number', value, start, end })
    const to = number(resolved.offset + resolved.bytes)
    return { kind: 'range', start, end, off: number(resolved.offset), to }
  }
  return {
    ...range,
    off: fold(place, range.off),
    ...(range.to === undefined ? {} : { to: fold(place, range.to) }),
    ...(range.bytes === undefined ? {} : { bytes: fold(place, range.bytes) }),
  }
}
