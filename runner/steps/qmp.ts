/** `qmp`: one command and its reply. */
import { readBoolean, readText, shorten, wrongType } from '../../dsl/check.ts'
import type { Context } from '../../dsl/context.ts'
import { makeAnswer } from '../../dsl/expectation.ts'
import { needsOfCommand } from '../../dsl/needs.ts'
import { checkNoFaults } from '../../dsl/node-faults.ts'
import type { Claim, Expectation } from '../../dsl/plan-claims.ts'
import type { Span, StepBody, Template } from '../../dsl/plan.ts'
import { ANSWER_KEYS, type StepInput } from '../../dsl/steps/kind.ts'
import { toTemplate } from '../../dsl/template.ts'
import { checkReferences, trackCommand } from '../../dsl/track.ts'
import {
  type Entry,
  find,
  isNull,
  type MapNode,
  type Node,
  type ScalarNode,
  spanOf,
} from '../../dsl/tree.ts'
import { fillText, resolve } from '../../dsl/variables.ts'
import { isGraphQuery } from '../graph.ts'
import { isShownMap } from '../notation.ts'
import { resolveTemplate, showTemplate } from '../variables.ts'
import { callCommand } from './command.ts'
import { defineStep } from './step.ts'

export interface QmpStep {
  readonly kind: 'qmp'
  readonly command: string
  readonly commandSpan: Span
  readonly arguments: Template
  /** False: `arguments` is not sent at all. */
  readonly hasArguments: boolean
  readonly oob: boolean
  readonly expect: Expectation
  readonly returns?: Claim
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly qmp: QmpStep
  }
}

export const qmp = defineStep({
  kind: 'qmp',
  savesAnswer: true,
  written: {
    doc: 'Sends a command and waits for the reply: {command: {arguments}}, or the command alone.',
    schema: { type: ['object', 'string'] },
    keys: {
      ...ANSWER_KEYS,
      oob: { doc: 'Executes the command out of band.', schema: { type: 'boolean' } },
    },
    build: buildQmp,
  },
  facts: (step) => ({
    ...(/^(?:x-debug-)?query-/.test(step.command) ? { changes: false, keepsGraph: true } : {}),
    judges: step.returns !== undefined || step.expect.written || isAction(step),
  }),
  words: (step) => `qmp ${step.command}`,
  async run(step, play) {
    const members = step.hasArguments ? showTemplate(step.arguments) : {}
    const worked = await callCommand(play, {
      command: step.command,
      args: step.hasArguments ? resolveTemplate(step.arguments, play.scope) : undefined,
      oob: step.oob,
      expect: step.expect,
      returns: step.returns,
      save: step.save,
      label: 'qmp',
      head: step.oob ? `${step.command} (oob)` : step.command,
      members: isShownMap(members) ? members : { arguments: members },
    })
    if (worked) play.configuration.note(step)
  },
  acts: isAction,
  claimsEffect: ({ command, returns }) => returns !== undefined && isGraphQuery(command),
})

function isAction({ command }: QmpStep): boolean {
  return !command.startsWith('query-')
}

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
