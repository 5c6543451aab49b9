/** Follows which names a command makes and removes, and checks the ones it refers to. */
import type { Context } from './context.ts'
import type { NameKind } from './names.ts'
import { textMember } from './needs.ts'
import type { Expectation } from './plan-claims.ts'
import type { Template } from './plan.ts'
import { checkName } from './subject.ts'
import { find, spanOf, type Node, type ScalarNode } from './tree.ts'
import { isSizeWord } from './size.ts'

/** Commands that make a name, by the member that holds it. */
const MAKES: Readonly<Record<string, readonly [NameKind, string]>> = {
  'object-add': ['object', 'id'],
  'block-export-add': ['export', 'id'],
  'nbd-server-add': ['export', 'device'],
}

const REMOVES: Readonly<Record<string, readonly [NameKind, string]>> = {
  'blockdev-del': ['node', 'node-name'],
  'object-del': ['object', 'id'],
  'block-export-del': ['export', 'id'],
  'nbd-server-remove': ['export', 'name'],
}

/** After these anything may exist. */
const OPENS = new Set([
  'transaction',
  'human-monitor-command',
  'drive-mirror',
  'drive-backup',
  'device_add',
])

export function trackCommand(
  context: Context,
  command: string,
  args: Template,
  expect: Expectation,
): void {
  if (expect.kind === 'error') return
  const { names } = context
  if (OPENS.has(command)) names.open('node')
  if (command === 'blockdev-add') trackNode(context, args)
  addMember(context, 'node', args, 'filter-node-name')
  addMember(context, 'node', args, 'snapshot-node-name')
  const makes = MAKES[command]
  if (makes !== undefined) addMember(context, makes[0], args, makes[1])
  const removes = REMOVES[command]
  const gone = removes === undefined ? undefined : textMember(args, removes[1])
  if (removes !== undefined && gone !== undefined && expect.kind === 'ok')
    names.remove(removes[0], gone.text)
}

function addMember(context: Context, kind: NameKind, args: Template, member: string): void {
  const made = textMember(args, member)
  if (made !== undefined) context.names.add(kind, made.text, made.span)
}

/** Adds the node and the named nodes that are written inside it. */
export function trackNode(context: Context, options: Template): void {
  if (options.kind === 'list') for (const item of options.items) trackNode(context, item)
  if (options.kind !== 'map') return
  addMember(context, 'node', options, 'node-name')
  for (const { value } of options.entries) trackNode(context, value)
}

/** Options that name a child, or a list of children. */
const CHILDREN = new Set([
  'file',
  'backing',
  'children',
  'data-file',
  'target',
  'raw',
  'image',
  'test',
])

/** Checks the children that options of a node refer to by name, and the image behind `img`. */
export function checkReferences(context: Context, options: Node): void {
  if (options.kind !== 'map') return
  const driver = find(options, 'driver')?.value
  for (const { name, value } of options.entries) {
    if (name === 'img') checkImage(context, value)
    else if (CHILDREN.has(name) && driver !== undefined) checkChild(context, value)
  }
}

function checkImage(context: Context, value: Node): void {
  if (value.kind !== 'scalar' || value.text.includes('$')) return
  checkName(context, value, spanOf(value), 'image', value.text)
}

function checkChild(context: Context, value: Node): void {
  if (value.kind === 'list') for (const item of value.items) checkChild(context, item)
  if (value.kind === 'map') checkReferences(context, value)
  if (value.kind !== 'scalar' || typeof value.value !== 'string' || !isNodeName(value)) return
  checkName(context, value, spanOf(value), 'node', value.text)
}

function isNodeName(value: ScalarNode): boolean {
  return (
    !value.text.includes('$') &&
    !value.text.includes(':') &&
    value.text !== '' &&
    !isSizeWord(value.text)
  )
}
