/** Quoted text of the mini-languages: JSON's escapes, variables filled in. */
import type { Context } from './context.ts'
import type { At } from './grammar/ast.ts'
import { spanAt, type Piece } from './mini.ts'
import { splitText, lookUp } from './variables.ts'

/** The text, or undefined after a report. */
export function unquote(
  context: Context,
  piece: Piece,
  ast: At & { readonly quoted: string },
): string | undefined {
  let text: unknown
  try {
    text = JSON.parse(ast.quoted)
  } catch {
    const help = 'escapes are those of JSON: \\" \\\\ \\n \\t \\u0041'
    context.problemIn(
      piece.node,
      spanAt(piece, ast),
      'quoted-escape',
      'no valid escape in quoted text',
      { help },
    )
    return undefined
  }
  return typeof text === 'string' ? fillWords(context, piece, ast, text) : undefined
}

/** Text of a mini-language with its compile-time variables filled in; mistakes point at all of it. */
export function fillWords(
  context: Context,
  piece: Piece,
  at: At,
  text: string,
): string | undefined {
  if (!text.includes('$')) return text
  const { node, offset } = piece
  // Positions inside escapes would be off, so the whole place is blamed.
  const from = node.offsetAt(offset + at.start)
  const part = { ...node, value: text, text, offsetAt: () => from }
  let filled = ''
  for (const item of splitText(text)) {
    if (typeof item === 'string') {
      filled += item
      continue
    }
    const found = lookUp(context, part, item)
    if (found.kind === 'unknown') return undefined
    if (found.kind === 'runtime' || found.node.kind !== 'scalar') {
      const message = `$${item.path} can not be filled in here`
      context.problemIn(node, spanAt(piece, at), 'runtime-variable', message)
      return undefined
    }
    filled += found.node.text + item.path.slice(found.path.length)
  }
  return filled
}
