/**
 * `$name` in the tree: found, checked and filled in. What only a running target knows (`$img.x`,
 * `$new.x`, saved values) stays a variable. `$$` is a dollar.
 */
import type { Context } from './context.ts'
import type { Variable } from './plan.ts'
import type { Binding } from './scope.ts'
import { didYouMean } from './suggest.ts'
import { find, spanIn, type Node, type ScalarNode } from './tree.ts'

/** A reference in text; `start..end` includes the dollar and braces. */
export interface Reference {
  readonly path: string
  readonly start: number
  readonly end: number
}

const REFERENCE = /\$(?:\$|\{([A-Za-z_][\w.-]*)\}|([A-Za-z_]\w*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*)*))/g

/** Text cut at its references; `$$` is a dollar already. */
export function splitText(text: string): readonly (string | Reference)[] {
  if (!text.includes('$')) return text === '' ? [] : [text]
  const parts: (string | Reference)[] = []
  let literal = ''
  let last = 0
  for (const found of text.matchAll(REFERENCE)) {
    literal += text.slice(last, found.index)
    last = found.index + found[0].length
    const path = found[1] ?? found[2]
    if (path === undefined) {
      literal += '$'
      continue
    }
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push({ path, start: found.index, end: last })
  }
  literal += text.slice(last)
  if (literal !== '') parts.push(literal)
  return parts
}

export type Found =
  | {
      readonly kind: 'value'
      readonly binding: Binding
      readonly node: Node
      readonly path: string
    }
  | { readonly kind: 'runtime'; readonly scope: 'img' | 'new' | 'save'; readonly path: string }
  | { readonly kind: 'unknown' }

/**
 * What a reference means here. A path may run on into literal text (`inc$n.qcow2`): `path` in the
 * answer says how much of it is the variable's.
 */
export function lookUp(context: Context, node: ScalarNode, reference: Reference): Found {
  const [head = '', ...members] = reference.path.split('.')
  if (head === 'img' || head === 'new') return runtimePath(context, node, reference, head, members)
  const binding = context.scope.lookup(head)
  if (binding !== undefined) {
    binding.usage.used = true
    return descend(context, node, reference, binding, members)
  }
  if (!context.names.lacks('save', head))
    return { kind: 'runtime', scope: 'save', path: reference.path }
  const known = [...context.scope.names(), ...context.names.list('save')]
  const span = spanIn(node, reference.start, reference.end)
  context.problemIn(node, span, 'undefined-variable', `no variable is called '${head}' here`, {
    help: didYouMean(head, known) ?? 'a literal dollar is written $$',
  })
  return { kind: 'unknown' }
}

function runtimePath(
  context: Context,
  node: ScalarNode,
  reference: Reference,
  scope: 'img' | 'new',
  members: readonly string[],
): Found {
  const name = members.join('.')
  const span = spanIn(node, reference.start, reference.end)
  if (name === '') {
    context.problemIn(node, span, 'undefined-variable', `$${scope} needs a name: $${scope}.NAME`)
    return { kind: 'unknown' }
  }
  if (scope === 'img' && context.names.lacks('image', name)) {
    context.doubtIn(node, span, 'unknown-image', `no image is called '${name}' at this point`, {
      help: didYouMean(name, context.names.list('image')),
    })
  }
  return { kind: 'runtime', scope, path: reference.path }
}

/** Follows members as long as the value is a map. */
function descend(
  context: Context,
  node: ScalarNode,
  reference: Reference,
  binding: Binding,
  members: readonly string[],
): Found {
  let value = binding.node
  let path = binding.name
  for (const member of members) {
    if (value.kind !== 'map') break
    const entry = find(value, member)
    if (entry === undefined) {
      const span = spanIn(node, reference.start, reference.end)
      const names = value.entries.map(({ name }) => name)
      const message = `the value of '${path}' has no member '${member}'`
      context.problemIn(node, span, 'undefined-variable', message, {
        help: didYouMean(member, names),
      })
      return { kind: 'unknown' }
    }
    value = entry.value
    path += `.${member}`
  }
  return { kind: 'value', binding, node: value, path }
}

/** The reference that is the whole text, if it is one. */
export function wholeReference(node: Node): Reference | undefined {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return undefined
  if (!node.text.startsWith('$')) return undefined
  const [only, ...rest] = splitText(node.text)
  return rest.length === 0 && typeof only === 'object' ? only : undefined
}

/**
 * The node itself, or the value of the variable that it is. A variable that only the target knows
 * stays as it is written; an unknown one gives undefined.
 */
export function resolve(context: Context, node: Node): Node | undefined {
  const reference = wholeReference(node)
  if (reference === undefined || node.kind !== 'scalar') return node
  const found = lookUp(context, node, reference)
  if (found.kind === 'unknown') return undefined
  if (found.kind === 'runtime') return node
  if (found.path !== reference.path) return fillText(context, node)
  return usedAt(found.node, node, reference)
}

function usedAt(value: Node, node: ScalarNode, reference: Reference): Node {
  const span = spanIn(node, reference.start, reference.end)
  const note = { message: `filled in here for $${reference.path}`, span }
  return { ...value, used: { source: node.source, span }, via: [...value.via, note, ...node.via] }
}

/**
 * A scalar whose compile-time variables are filled in as text; positions inside a value point at
 * its `$name`. Undefined where a variable is unknown or only known to the running target.
 */
export function fillText(context: Context, node: ScalarNode): ScalarNode | undefined {
  if (!node.text.includes('$') || typeof node.value !== 'string') return node
  const offsets: number[] = []
  let text = ''
  let from = 0
  for (const part of splitText(node.text)) {
    if (typeof part === 'string') {
      // By UTF-16 units, as offsets count.
      for (const _unit of part.split('')) {
        if (node.text.startsWith('$$', from)) from++
        offsets.push(node.offsetAt(from))
        from++
      }
      text += part
      continue
    }
    const filled = textOfReference(context, node, part)
    if (filled === undefined) return undefined
    offsets.push(...Array<number>(filled.length).fill(node.offsetAt(part.start)))
    text += filled
    from = part.end
  }
  const end = node.offsetAt(node.text.length)
  return { ...node, value: text, text, offsetAt: (index) => offsets[index] ?? end }
}

function textOfReference(
  context: Context,
  node: ScalarNode,
  reference: Reference,
): string | undefined {
  const found = lookUp(context, node, reference)
  if (found.kind === 'unknown') return undefined
  const span = spanIn(node, reference.start, reference.end)
  if (found.kind === 'runtime') {
    const message = `$${found.path} is only known while the scenario runs; it can not be used here`
    context.problemIn(node, span, 'runtime-variable', message)
    return undefined
  }
  if (found.node.kind !== 'scalar') {
    const message = `the value of $${found.path} is a ${found.node.kind}, it can not stand inside text`
    context.problemIn(node, span, 'variable-in-text', message, {
      notes: [
        { message: 'its value', span: found.node.source.span(found.node.start, found.node.end) },
      ],
    })
    return undefined
  }
  return found.node.text + reference.path.slice(found.path.length)
}

/** A variable of the plan that the runner fills in. */
export function runtimeVariable(
  node: ScalarNode,
  reference: Reference,
  scope: 'img' | 'new' | 'save',
): Variable {
  return {
    kind: 'variable',
    path: reference.path,
    scope,
    span: spanIn(node, reference.start, reference.end),
  }
}
