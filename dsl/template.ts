/** YAML values that are sent as they are: the tree with its variables kept visible. */
import type { Context } from './context.ts'
import type { Scalar, Template, Value, Variable } from './plan.ts'
import { isSizeWord, parseSize } from './size.ts'
import { spanIn, spanOf, type Entry, type Node, type ScalarNode } from './tree.ts'
import {
  fillText,
  lookUp,
  runtimeVariable,
  splitText,
  wholeReference,
  type Reference,
} from './variables.ts'

export function toTemplate(context: Context, node: Node): Template {
  const span = spanOf(node)
  switch (node.kind) {
    case 'list':
      return { kind: 'list', items: node.items.map((item) => toTemplate(context, item)), span }
    case 'map':
      return { kind: 'map', entries: node.entries.map((entry) => toEntry(context, entry)), span }
    case 'scalar':
      return scalarTemplate(context, node)
  }
}

function toEntry(context: Context, entry: Entry) {
  return {
    key: (fillText(context, entry.key) ?? entry.key).text,
    keySpan: spanOf(entry.key),
    value: toTemplate(context, entry.value),
  }
}

function scalarTemplate(context: Context, node: ScalarNode): Template {
  const span = spanOf(node)
  if (typeof node.value !== 'string' || !node.text.includes('$')) {
    const value = scalarOf(node)
    return typeof value === 'number' && typeof node.value === 'string'
      ? { kind: 'scalar', value, written: node.text, span }
      : { kind: 'scalar', value, span }
  }
  const whole = wholeReference(node)
  if (whole !== undefined) return referenceTemplate(context, node, whole, true)
  const parts = splitText(node.text).map((part): string | Variable => {
    if (typeof part === 'string') return part
    const template = referenceTemplate(context, node, part, false)
    return template.kind === 'variable' ? template : ''
  })
  const merged = parts.every((part) => typeof part === 'string')
  return merged ? { kind: 'scalar', value: parts.join(''), span } : { kind: 'text', parts, span }
}

/** A variable, or what it stands for if that holds variables that only the target knows. */
function referenceTemplate(
  context: Context,
  node: ScalarNode,
  reference: Reference,
  whole: boolean,
): Template {
  const span = spanIn(node, reference.start, reference.end)
  const found = lookUp(context, node, reference)
  if (found.kind === 'unknown') return { kind: 'scalar', value: null, span }
  if (found.kind === 'runtime') return runtimeVariable(node, reference, found.scope)
  const { binding, path } = found
  if (path !== reference.path) {
    // `inc$n.qcow2`: the rest of the path is text.
    const value = `${found.node.kind === 'scalar' ? found.node.text : ''}${reference.path.slice(path.length)}`
    return { kind: 'variable', path: reference.path, scope: binding.scope, value, span }
  }
  if (whole && isRuntime(found.node)) return { ...toTemplate(context, found.node), span }
  if (!whole && found.node.kind !== 'scalar') {
    const message = `the value of $${path} is a ${found.node.kind}, it can not stand inside text`
    context.problemIn(node, span, 'variable-in-text', message)
  }
  const value = !whole && found.node.kind === 'scalar' ? found.node.text : toValue(found.node)
  return { kind: 'variable', path, scope: binding.scope, value, span }
}

/** True if the value holds a variable that only the running target knows. */
export function isRuntime(node: Node): boolean {
  switch (node.kind) {
    case 'scalar':
      return (
        typeof node.value === 'string' &&
        splitText(node.text).some((part) => typeof part !== 'string')
      )
    case 'list':
      return node.items.some(isRuntime)
    case 'map':
      return node.entries.some(({ value }) => isRuntime(value))
  }
}

/** The value of a node without compile-time variables. */
export function toValue(node: Node): Value {
  switch (node.kind) {
    case 'scalar':
      return scalarOf(node)
    case 'list':
      return node.items.map(toValue)
    case 'map':
      return Object.fromEntries(node.entries.map(({ name, value }) => [name, toValue(value)]))
  }
}

/** Integers become numbers where they are safe; a plain `64k` is the number it means. */
export function scalarOf(node: ScalarNode): Scalar {
  const { value } = node
  if (typeof value === 'bigint') return safe(value)
  if (typeof value !== 'string') return value
  if (node.style === 'plain' && isSizeWord(value)) return parseSize(value) ?? value
  return value.includes('$$') ? value.replaceAll('$$', '$') : value
}

function safe(value: bigint): number | bigint {
  const isSafe =
    value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
  return isSafe ? Number(value) : value
}

/** A copy whose compile-time variables are filled in; those of the target stay. */
export function fillDeep(context: Context, node: Node): Node {
  switch (node.kind) {
    case 'list':
      return { ...node, items: node.items.map((item) => fillDeep(context, item)) }
    case 'map':
      return {
        ...node,
        entries: node.entries.map((entry) => ({ ...entry, value: fillDeep(context, entry.value) })),
      }
    case 'scalar':
      return fillScalar(context, node)
  }
}

function fillScalar(context: Context, node: ScalarNode): Node {
  if (typeof node.value !== 'string' || !node.text.includes('$')) return node
  const whole = wholeReference(node)
  if (whole === undefined)
    return isRuntimeText(context, node) ? node : (fillText(context, node) ?? node)
  const found = lookUp(context, node, whole)
  return found.kind === 'value' && found.path === whole.path
    ? { ...found.node, via: [...found.node.via, ...node.via] }
    : node
}

function isRuntimeText(context: Context, node: ScalarNode): boolean {
  return splitText(node.text).some(
    (part) => typeof part !== 'string' && lookUp(context, node, part).kind === 'runtime',
  )
}
