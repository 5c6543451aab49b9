/** What `verify` demands: extents that do not overlap, or the content of another subject. */
import type { Context } from './context.ts'
import { evaluateRange, foldRange, type IoPlace } from './expr.ts'
import type { ExtentAst, WantAst } from './grammar/ast.ts'
import { spanAt, type Piece } from './mini.ts'
import { makePattern } from './pattern.ts'
import type { IoExtent, VerifyWant } from './plan-io.ts'
import type { Span } from './plan.ts'
import { printSize } from './size.ts'
import { subjectOf } from './subject.ts'
import { fillText } from './variables.ts'

export interface MadeWant {
  readonly want: VerifyWant
  readonly shown: WantAst
}

export function makeWant(place: IoPlace, ast: WantAst): MadeWant | undefined {
  if (ast.kind === 'same') return sameAs(place, ast)
  const extents: IoExtent[] = []
  const shown: ExtentAst[] = []
  for (const item of ast.extents) {
    const made = makeExtent(place, item)
    if (made === undefined) continue
    checkExtent(place, made.extent, extents)
    extents.push(made.extent)
    shown.push(made.shown)
  }
  if (extents.length < ast.extents.length) return undefined
  return { want: { kind: 'extents', extents }, shown: { ...ast, extents: shown } }
}

function sameAs(place: IoPlace, ast: WantAst & { readonly kind: 'same' }): MadeWant | undefined {
  const { context, piece } = place
  const name = fillName(context, piece, ast.as)
  if (name === undefined) return undefined
  const subject = subjectOf(context, piece.node, spanAt(piece, ast.as), ast.as.kind, name)
  return subject === undefined
    ? undefined
    : { want: { kind: 'same', as: subject }, shown: { ...ast, as: { ...ast.as, name } } }
}

/** A name of a mini-language with its variables filled in. */
export function fillName(
  context: Context,
  piece: Piece,
  named: { readonly name: string; readonly start: number; readonly end: number },
): string | undefined {
  if (!named.name.includes('$')) return named.name
  const { node, offset } = piece
  const from = offset + piece.text.indexOf(named.name, named.start)
  const part = {
    ...node,
    value: named.name,
    text: named.name,
    offsetAt: (index: number) => node.offsetAt(from + index),
  }
  return fillText(context, part)?.text
}

function makeExtent(
  place: IoPlace,
  ast: ExtentAst,
): { extent: IoExtent; shown: ExtentAst } | undefined {
  const span = spanAt(place.piece, ast)
  const want =
    ast.want.kind === 'hole'
      ? { kind: 'hole' as const, span: spanAt(place.piece, ast.want) }
      : makePattern(place, ast.want)
  if (ast.range.kind === 'rest') {
    return want === undefined ? undefined : { extent: { range: 'rest', want, span }, shown: ast }
  }
  const range = evaluateRange(place, ast.range)
  if (want === undefined || range === undefined) return undefined
  return {
    extent: { range, want, span },
    shown: { ...ast, range: foldRange(place, ast.range, range) },
  }
}

function checkExtent(place: IoPlace, extent: IoExtent, before: readonly IoExtent[]): void {
  const { context, piece } = place
  const clash = before.find((other) => overlap(extent, other))
  if (clash === undefined) return
  const notes: { message: string; span: Span }[] = [{ message: 'overlaps this', span: clash.span }]
  if (extent.range === 'rest') {
    context.problemIn(piece.node, extent.span, 'io-rest-twice', "'rest' stands once", { notes })
  } else {
    const { offset, bytes } = extent.range
    const message = `the extent ${printSize(offset)}..${printSize(offset + bytes)} overlaps another`
    context.doubtIn(piece.node, extent.span, 'io-extents-overlap', message, { notes })
  }
}

function overlap(a: IoExtent, b: IoExtent): boolean {
  if (a.range === 'rest' || b.range === 'rest') return a.range === b.range
  return (
    a.range.offset < b.range.offset + b.range.bytes &&
    b.range.offset < a.range.offset + a.range.bytes
  )
}
