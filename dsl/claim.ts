/**
 * Claims about values: plain YAML compared as a subset, with "~ " expressions as leaves. A quoted
 * scalar that does not start with a tilde is text, a plain `64k` is the number it means.
 */
import { check } from './claim-shape.ts'
import type { Context } from './context.ts'
import { makeMatch } from './match.ts'
import { parsePiece, type Piece } from './mini.ts'
import type { Claim, Match } from './plan-claims.ts'
import { scalarOf } from './template.ts'
import { spanOf, type MapNode, type Node, type ScalarNode } from './tree.ts'
import { fillText, lookUp, runtimeVariable, wholeReference } from './variables.ts'

/** A claim about a reply, a saved value or a result; it counts as an inline claim. */
export function makeClaim(context: Context, node: Node): Claim | undefined {
  const match = toMatch(context, node)
  if (match === undefined) return undefined
  context.claim(match.span, false)
  return { match, span: match.span }
}

export function toMatch(context: Context, node: Node): Match | undefined {
  switch (node.kind) {
    case 'list': {
      const items = node.items.map((item) => toMatch(context, item))
      return { kind: 'seq', items: items.filter(isMade), span: spanOf(node) }
    }
    case 'map':
      return objectMatch(context, node)
    case 'scalar':
      return scalarMatch(context, node)
  }
}

function isMade(match: Match | undefined): match is Match {
  return match !== undefined
}

function objectMatch(context: Context, node: MapNode): Match {
  const members = node.entries.flatMap(({ key, value }) => {
    const match = toMatch(context, value)
    const name = fillText(context, key)?.text
    return match === undefined || name === undefined
      ? []
      : [{ key: name, keySpan: spanOf(key), match }]
  })
  return { kind: 'object', exact: false, members, span: spanOf(node) }
}

function scalarMatch(context: Context, node: ScalarNode): Match | undefined {
  const span = spanOf(node)
  if (typeof node.value !== 'string') {
    if (node.value === null && node.text !== 'null') {
      const what = node.text === '' ? 'there is no value here' : `'${node.text}' is YAML's null`
      context.problem(node, 'match-bare-tilde', `${what}; write null, or a match such as ~ present`)
      return undefined
    }
    return { kind: 'equal', value: scalarOf(node), span }
  }
  if (node.text.startsWith('~~')) return textMatch(context, node, 1)
  if (node.text.startsWith('~')) return expressionMatch(context, node)
  const reference = wholeReference(node)
  if (reference !== undefined) {
    const found = lookUp(context, node, reference)
    if (found.kind === 'unknown') return undefined
    if (found.kind === 'runtime') {
      return { kind: 'variable', variable: runtimeVariable(node, reference, found.scope), span }
    }
    if (found.path === reference.path) {
      const match = toMatch(context, found.node)
      return match === undefined ? undefined : { ...match, span }
    }
  }
  check(context, node)
  if (!node.text.includes('$')) return { kind: 'equal', value: scalarOf(node), span }
  return textMatch(context, node, 0)
}

/** Text from `from` on, its variables filled in. */
function textMatch(context: Context, node: ScalarNode, from: number): Match | undefined {
  const filled = fillText(context, node)
  return filled === undefined
    ? undefined
    : { kind: 'equal', value: filled.text.slice(from), span: spanOf(node) }
}

function expressionMatch(context: Context, node: ScalarNode): Match | undefined {
  if (!/^~\s/.test(node.text)) {
    context.problem(node, 'match-tilde-blank', 'a blank stands between the tilde and the match', {
      help: 'text that starts with a tilde is written with two: ~~text',
    })
    return undefined
  }
  const piece: Piece = { node, offset: 1, text: node.text.slice(1) }
  const ast = parsePiece(context, 'match', piece)
  return ast === undefined ? undefined : makeMatch(context, piece, ast)
}
