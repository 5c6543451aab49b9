/** Binds names to values: loop variables, inputs of fragments, matrix and parameters. */
import { shorten } from './check.ts'
import type { Context } from './context.ts'
import type { Bound } from './plan.ts'
import { printValue } from './print-value.ts'
import type { Binding, BindingScope } from './scope.ts'
import { toValue } from './template.ts'
import { spanOf, type Entry, type Node, type ScalarNode } from './tree.ts'

export function bind(
  scope: BindingScope,
  entry: Entry,
  node: Node,
  usage?: { used: boolean },
): Binding {
  return {
    name: entry.name,
    scope,
    node,
    source: entry.key.source,
    span: spanOf(entry.key),
    usage: usage ?? { used: false },
  }
}

export function boundOf({ name, node }: Binding): Bound {
  const value = toValue(node)
  const text = node.kind === 'scalar' && !node.text.includes('\n') ? node.text : printValue(value)
  return { name, value, text }
}

/** Reports names that are taken or no names. */
export function isFreeName(context: Context, key: ScalarNode): boolean {
  const name = key.text
  if (!/^[A-Za-z_]\w*$/.test(name) || ['img', 'new', 'save'].includes(name)) {
    context.problem(key, 'bad-name', `'${shorten(name)}' can not name a variable`, {
      help: 'names are letters, digits and _; img, new and save are taken',
    })
    return false
  }
  const clash = context.scope.lookup(name)
  if (clash === undefined) return true
  context.problem(key, 'duplicate-variable', `the variable '${name}' exists already`, {
    notes: [{ message: 'defined here', span: clash.span }],
  })
  return false
}
