/** `expect:`, `return:` and `by:`: what must come back from a command. */
import { readScalar, shorten } from './check.ts'
import { makeClaim } from './claim.ts'
import type { Context } from './context.ts'
import type { ExpectationAst } from './grammar/ast.ts'
import { makeMatch } from './match.ts'
import { parsePiece, spanAt, wholeOf } from './mini.ts'
import type { Claim, Expectation } from './plan-claims.ts'
import { CLASSES } from './slips.ts'
import { didYouMean, nearest } from './suggest.ts'
import { describe, find, spanOf, type MapNode, type Node } from './tree.ts'
import { lookUp, resolve, wholeReference } from './variables.ts'

export interface Answer {
  readonly expect: Expectation
  readonly returns?: Claim
}

/** Reads `expect`, `return` and `by` of a step; `whole` is blamed where nothing is written. */
export function makeAnswer(context: Context, step: MapNode): Answer {
  const choose = chooser(context, step)
  const expectNode = choose('expect')
  const returnNode = choose('return')
  const expect: Expectation = (expectNode === undefined
    ? undefined
    : makeExpectation(context, expectNode)) ?? { kind: 'ok', span: spanOf(step), written: false }
  if (returnNode === undefined) return { expect }
  if (expect.kind === 'error') {
    context.doubt(returnNode, 'return-with-error', 'a command that fails returns nothing', {
      notes: [{ message: 'it is expected to fail here', span: expect.span }],
    })
  }
  const returns = makeClaim(context, returnNode)
  return returns === undefined ? { expect } : { expect, returns }
}

type Choose = (name: 'expect' | 'return') => Node | undefined

/** Picks the value of a key, by the value of the variable that `by` names. */
function chooser(context: Context, step: MapNode): Choose {
  const by = find(step, 'by')
  const plain: Choose = (name) => find(step, name)?.value
  if (by === undefined) return plain
  const value = by.value
  const reference = wholeReference(value)
  if (reference === undefined || value.kind !== 'scalar') {
    context.problem(value, 'by-variable', "'by' names a variable: by: $name")
    return plain
  }
  const found = lookUp(context, value, reference)
  if (found.kind !== 'value' || found.node.kind !== 'scalar') {
    if (found.kind !== 'unknown') {
      context.problem(
        value,
        'by-variable',
        "'by' needs a variable of the matrix, a parameter or a loop",
      )
    }
    return () => undefined
  }
  const chosen = found.node.text
  return (name) => {
    const node = find(step, name)?.value
    if (node?.kind !== 'map') return node
    for (const entry of node.entries) {
      if (entry.name !== chosen && isClaimOnly(context, name, entry.value)) break
    }
    const entry = find(node, chosen)
    if (entry !== undefined) return entry.value
    const names = node.entries.map((item) => item.name)
    context.doubt(
      node,
      'by-missing',
      `'${name}' says nothing for $${reference.path} = ${shorten(chosen)}`,
      {
        notes: [{ message: 'chosen by this', span: spanOf(value) }],
        help: didYouMean(chosen, names),
      },
    )
    return undefined
  }
}

/** Reads the branches that this case does not take, for their mistakes. */
function isClaimOnly(context: Context, name: 'expect' | 'return', node: Node): boolean {
  const dry = context.with({ dry: true })
  if (name === 'expect') makeExpectation(dry, node)
  else makeClaim(dry, node)
  return false
}

export function makeExpectation(context: Context, node: Node): Expectation | undefined {
  const value = resolve(context, node)
  if (value === undefined) return undefined
  if (value.kind !== 'scalar') {
    context.problem(
      value,
      'wrong-type',
      `an expectation is text such as 'error GenericError', this is ${describe(value)}`,
      {
        help: 'a map needs by: $variable beside it',
      },
    )
    return undefined
  }
  const scalar = readScalar(context, value, 'an expectation')
  if (scalar === undefined) return undefined
  const piece = wholeOf(scalar)
  const ast = parsePiece(context, 'expectation', piece)
  if (ast === undefined) return undefined
  const span = spanAt(piece, ast)
  if (ast.kind !== 'error') {
    if (ast.kind === 'ok') context.claim(span, false)
    return { kind: ast.kind, span, written: true }
  }
  context.claim(span, true)
  const match = ast.text === null ? undefined : makeMatch(context, piece, ast.text)
  if (ast.text !== null && match === undefined) return undefined
  return {
    kind: 'error',
    ...classOf(context, piece, ast),
    ...(match === undefined ? {} : { text: { match, span: match.span } }),
    orCrash: ast.orCrash,
    span,
    written: true,
  }
}

function classOf(
  context: Context,
  piece: ReturnType<typeof wholeOf>,
  ast: ExpectationAst & { readonly kind: 'error' },
) {
  if (ast.class === null) return {}
  const { name } = ast.class
  const classSpan = spanAt(piece, ast.class)
  if (!CLASSES.some((known) => known === name)) {
    const best = nearest(name, CLASSES)
    context.problemIn(
      piece.node,
      classSpan,
      'expect-unknown-class',
      `QMP has no error class '${name}'`,
      {
        help: best === undefined ? `classes are ${CLASSES.join(', ')}` : `did you mean '${best}'?`,
      },
    )
  }
  return { class: name, classSpan }
}
