/** `qmp`, `raw`: commands, and bytes that are no command. */
import { readBoolean, readText, shorten, wrongType } from '../check.ts'
import type { Context } from '../context.ts'
import { makeAnswer } from '../expectation.ts'
import { needsOfCommand } from '../needs.ts'
import type { StepBody, Template } from '../plan.ts'
import { toTemplate } from '../template.ts'
import { checkNoFaults } from '../node-faults.ts'
import { checkReferences, trackCommand } from '../track.ts'
import {
  find,
  isNull,
  spanOf,
  type Entry,
  type MapNode,
  type Node,
  type ScalarNode,
} from '../tree.ts'
import { fillText, resolve } from '../variables.ts'
import { ANSWER_KEYS, defineStep, TEXT, type StepInput } from './kind.ts'

export const qmp = defineStep({
  doc: 'Sends a command and waits for the reply: {command: {arguments}}, or the command alone.',
  schema: { type: ['object', 'string'] },
  keys: {
    ...ANSWER_KEYS,
    oob: { doc: 'Executes the command out of band.', schema: { type: 'boolean' } },
  },
  build: buildQmp,
})

export const raw = defineStep({
  doc: 'Sends text as it is: for malformed input.',
  schema: TEXT,
  keys: ANSWER_KEYS,
  build(context, { map, value }) {
    const text = readText(context, value, "'raw'")
    const answer = makeAnswer(context, map)
    return text === undefined ? [] : [{ kind: 'raw', text: text.text, ...answer }]
  },
})

function buildQmp(context: Context, { map, value }: StepInput): readonly StepBody[] {
  const command = commandOf(context, value)
  const answer = makeAnswer(context, map)
  const oobNode = find(map, 'oob')?.value
  const oob = oobNode === undefined ? false : (readBoolean(context, oobNode, "'oob'") ?? false)
  if (command === undefined) return []
  const { name, args } = command
  const span = spanOf(name)
  const hasArguments = args !== undefined && !isNull(args)
  const template: Template = hasArguments
    ? toTemplate(context, args)
    : { kind: 'map', entries: [], span }
  if (answer.expect.kind === 'ok') {
    needsOfCommand(context.fields.needs, name.text, template, span)
    if (name.text === 'blockdev-add' && args !== undefined) checkOptions(context, args)
  }
  trackCommand(context, name.text, template, answer.expect)
  return [
    {
      kind: 'qmp',
      command: name.text,
      commandSpan: span,
      arguments: template,
      hasArguments,
      oob,
      ...answer,
    },
  ]
}

function checkOptions(context: Context, args: Node): void {
  const options = resolve(context, args)
  if (options?.kind !== 'map') return
  checkReferences(context, options)
  checkNoFaults(context, options)
}

interface Command {
  readonly name: ScalarNode
  readonly args: Node | undefined
}

function commandOf(context: Context, node: Node): Command | undefined {
  const value = resolve(context, node)
  if (value === undefined) return undefined
  if (value.kind === 'scalar' && value.value !== null) {
    const name = readText(context, value, 'a command')
    return name === undefined || !isCommandName(context, name)
      ? undefined
      : { name, args: undefined }
  }
  const entry = value.kind === 'map' ? onlyCommand(context, value) : undefined
  if (entry === undefined) {
    if (value.kind !== 'map') wrongType(context, value, "'qmp'", 'a command with its arguments')
    return undefined
  }
  const name = fillText(context, entry.key)
  return name === undefined || !isCommandName(context, name)
    ? undefined
    : { name, args: entry.value }
}

function onlyCommand(context: Context, map: MapNode): Entry | undefined {
  const [entry, second] = map.entries
  if (entry === undefined) {
    wrongType(context, map, "'qmp'", 'a command with its arguments')
  } else if (second !== undefined) {
    const isFlat = find(map, 'execute') !== undefined
    context.problem(second.key, 'qmp-two-commands', 'a qmp step sends one command', {
      notes: [{ message: 'the first one', span: spanOf(entry.key) }],
      help: isFlat
        ? 'write qmp: {command: {arguments}}, without execute'
        : 'arguments stand below the command: qmp: {command: {name: value}}',
    })
  }
  return entry
}

function isCommandName(context: Context, name: ScalarNode): boolean {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name.text)) return true
  context.problem(name, 'bad-command', `'${shorten(name.text)}' is no command name`, {
    help: 'to send what is no command, use raw',
  })
  return false
}
