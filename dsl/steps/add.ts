/** `node`, `object`, `export`: the add commands with less to write; `gone` deletes. */
import { readMap, shorten, wrongType } from '../check.ts'
import type { Context } from '../context.ts'
import { makeAnswer, type Answer } from '../expectation.ts'
import { needsOfNode, needsOfType } from '../needs.ts'
import type { AddStep, StepBody } from '../plan.ts'
import { checkName } from '../subject.ts'
import { toTemplate } from '../template.ts'
import { separateFaults } from '../node-faults.ts'
import { checkReferences, trackNode } from '../track.ts'
import { find, spanOf, type Entry, type MapNode, type ScalarNode } from '../tree.ts'
import { fillText, resolve } from '../variables.ts'
import { ANSWER_KEYS, defineStep, type StepInput } from './kind.ts'

type AddKind = AddStep['kind']

/** The commands, and the member that the name fills. */
const COMMANDS = {
  node: { add: 'blockdev-add', remove: 'blockdev-del', member: 'node-name' },
  object: { add: 'object-add', remove: 'object-del', member: 'id' },
  export: { add: 'block-export-add', remove: 'block-export-del', member: 'id' },
} as const satisfies Record<AddKind, object>

export const node = defineAdd('node', 'Adds nodes: {name: {driver: …}}, or {name: gone}.')
export const object = defineAdd('object', 'Adds objects: {id: {qom-type: …}}, or {id: gone}.')
export const exportStep = defineAdd('export', 'Adds exports: {id: {type: …}}, or {id: gone}.')

function defineAdd(kind: AddKind, doc: string) {
  return defineStep({
    doc,
    schema: { type: 'object' },
    keys: ANSWER_KEYS,
    build(context: Context, { map, value }: StepInput): readonly StepBody[] {
      const names = readMap(context, value, `'${kind}'`)
      const answer = makeAnswer(context, map)
      return (
        names?.entries.flatMap((entry) => makeAdd(context, kind, entry, answer, false) ?? []) ?? []
      )
    },
  })
}

/** One entry of a step, or of `nodes`, `objects`, `exports` at the top (`configured`). */
export function makeAdd(
  context: Context,
  kind: AddKind,
  entry: Entry,
  answer: Pick<Answer, 'expect'>,
  configured: boolean,
): AddStep | undefined {
  const name = fillText(context, entry.key)
  const value = resolve(context, entry.value)
  if (name === undefined || value === undefined) return undefined
  const common = {
    kind,
    name: name.text,
    nameSpan: spanOf(entry.key),
    expect: answer.expect,
    configured,
  }
  const succeeds = answer.expect.kind === 'ok'
  if (value.kind === 'scalar' && value.text === 'gone' && !configured) {
    remove(context, kind, name, succeeds)
    return { ...common, options: undefined }
  }
  if (value.kind !== 'map') {
    wrongType(
      context,
      value,
      `${kind} '${shorten(name.text)}'`,
      configured ? 'a map of options' : "a map of options, or 'gone'",
    )
    return undefined
  }
  checkOptions(context, kind, name, value, succeeds)
  const separated =
    kind === 'node' ? separateFaults(context, name.text, value) : { options: value, faults: [] }
  const options = toTemplate(context, separated.options)
  const { faults } = separated
  const made = { ...common, options, ...(faults.length === 0 ? {} : { faults }) }
  if (answer.expect.kind === 'error') return made
  context.names.add(kind, name.text, spanOf(entry.key))
  if (kind === 'node') trackNode(context, options)
  if (!succeeds) return made
  const { needs } = context.fields
  needs.infer(`qmp.${COMMANDS[kind].add}`, spanOf(entry.key))
  if (kind === 'node') needsOfNode(needs, options)
  else needsOfType(needs, kind, options, kind === 'object' ? 'qom-type' : 'type')
  return made
}

function remove(context: Context, kind: AddKind, name: ScalarNode, succeeds: boolean): void {
  if (!succeeds) return
  checkName(context, name, spanOf(name), kind, name.text)
  context.names.remove(kind, name.text)
  context.fields.needs.infer(`qmp.${COMMANDS[kind].remove}`, spanOf(name))
}

function checkOptions(
  context: Context,
  kind: AddKind,
  name: ScalarNode,
  options: MapNode,
  succeeds: boolean,
): void {
  const { member } = COMMANDS[kind]
  const twice = find(options, member)
  if (twice !== undefined) {
    context.problem(
      twice.key,
      'name-twice',
      `the key '${shorten(name.text)}' is the ${member} already`,
      {
        notes: [{ message: 'the name', span: spanOf(name) }],
      },
    )
  }
  if (!succeeds) return
  const before = context.names.find(kind, name.text)
  if (before !== undefined) {
    context.doubt(name, 'duplicate-name', `${kind} '${shorten(name.text)}' exists at this point`, {
      notes: [{ message: 'made here', span: before }],
      help: 'if the failure is the point, add   expect: error GenericError',
    })
  }
  if (kind === 'node') {
    if (find(options, 'driver') === undefined) {
      context.problem(options, 'missing-key', `node '${shorten(name.text)}' needs a 'driver'`)
    }
    checkReferences(context, options)
  }
  if (kind === 'export') checkExported(context, options)
}

function checkExported(context: Context, options: MapNode): void {
  const exported = find(options, 'node-name')?.value
  if (exported?.kind !== 'scalar' || exported.text.includes('$')) return
  checkName(context, exported, spanOf(exported), 'node', exported.text)
}
