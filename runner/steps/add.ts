/** `node`, `object` and `export`: the add command by a short name, or the delete command. */
import { readMap, shorten, wrongType } from '../../dsl/check.ts'
import type { Context } from '../../dsl/context.ts'
import { type Answer, makeAnswer } from '../../dsl/expectation.ts'
import { needsOfNode, needsOfType } from '../../dsl/needs.ts'
import { separateFaults } from '../../dsl/node-faults.ts'
import type { Expectation } from '../../dsl/plan-claims.ts'
import type { NodeFaults, Span, StepBody, StepCommon, Template, Value } from '../../dsl/plan.ts'
import { ANSWER_KEYS, type SectionForm, type StepInput } from '../../dsl/steps/kind.ts'
import { checkName } from '../../dsl/subject.ts'
import { toTemplate } from '../../dsl/template.ts'
import { checkReferences, trackNode } from '../../dsl/track.ts'
import { type Entry, find, type MapNode, type ScalarNode, spanOf } from '../../dsl/tree.ts'
import { fillText, resolve } from '../../dsl/variables.ts'
import { suspendAt } from '../breakpoints.ts'
import { lowerFaults, showFaults } from '../faults.ts'
import { isMap } from '../json.ts'
import { bare, isBare, isShownList, isShownMap, type Shown, show } from '../notation.ts'
import type { Play } from '../play.ts'
import { StepError } from '../step-error.ts'
import { resolveTemplate, showTemplate } from '../variables.ts'
import { callCommand } from './command.ts'
import { defineStep } from './step.ts'

type AddKind = 'node' | 'object' | 'export'

/** `node`, `object` and `export`: the add command, or with `gone` the delete command. */
export interface AddStep {
  readonly kind: AddKind
  readonly name: string
  readonly nameSpan: Span
  /** `undefined`: delete. `img: x` members are still as written. */
  readonly options: Template | undefined
  /** Rules by the place of their `faults` inside the options; the first level is the empty path. */
  readonly faults?: readonly NodeFaults[]
  readonly expect: Expectation
  /** Part of `nodes`, `objects`, `exports`: replayed by `restart: as configured`. */
  readonly configured: boolean
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly node: AddStep & { readonly kind: 'node' }
    readonly object: AddStep & { readonly kind: 'object' }
    readonly export: AddStep & { readonly kind: 'export' }
  }
}

type Step = AddStep & StepCommon

/** The commands, and the member that the name fills. */
const COMMANDS = {
  node: { add: 'blockdev-add', remove: 'blockdev-del', member: 'node-name' },
  object: { add: 'object-add', remove: 'object-del', member: 'id' },
  export: { add: 'block-export-add', remove: 'block-export-del', member: 'id' },
} as const satisfies Record<AddKind, object>

export const node = defineStep({
  kind: 'node',
  savesAnswer: true,
  ...formsOf('node', 'nodes', 'Adds nodes: {name: {driver: …}}, or {name: gone}.'),
  facts: ({ name, options, faults = [] }) => ({ node: { name, options, faults } }),
  words: wordsOf,
  run: runAdd,
  acts: () => true,
})

export const object = defineStep({
  kind: 'object',
  savesAnswer: true,
  ...formsOf('object', 'objects', 'Adds objects: {id: {qom-type: …}}, or {id: gone}.'),
  words: wordsOf,
  run: runAdd,
  acts: () => true,
})

export const exported = defineStep({
  kind: 'export',
  savesAnswer: true,
  ...formsOf('export', 'exports', 'Adds exports: {id: {type: …}}, or {id: gone}.'),
  words: wordsOf,
  run: runAdd,
  acts: () => true,
})

/** As a step, and as an entry of a section at the top of the scenario. */
function formsOf(kind: AddKind, section: SectionForm['name'], doc: string) {
  return {
    written: {
      doc,
      schema: { type: 'object' },
      keys: ANSWER_KEYS,
      build(context: Context, { map, value }: StepInput): readonly StepBody[] {
        const names = readMap(context, value, `'${kind}'`)
        const answer = makeAnswer(context, map)
        return (
          names?.entries.flatMap((entry) => makeAdd(context, kind, entry, answer, false) ?? []) ??
          []
        )
      },
    },
    section: {
      name: section,
      build: (context: Context, entry: Entry) => makeConfigured(context, kind, entry),
    },
  }
}

function wordsOf(step: Step): string {
  return `${step.kind} ${step.name}`
}

export async function runAdd(step: Step, play: Play): Promise<void> {
  if (step.options === undefined) return remove(step, play)
  const options = resolveTemplate(step.options, play.scope)
  const shown = showTemplate(step.options)
  if (!isMap(options) || !isShownMap(shown)) {
    throw new StepError(`the options of ${step.kind} '${step.name}' are no map`, step.nameSpan)
  }
  if (step.kind === 'export') await serve(step, play)
  const worked = await callCommand(play, {
    ...ADD[step.kind](step, options, shown, play),
    oob: false,
    expect: step.expect,
    returns: undefined,
    save: step.save,
    hosted: step.kind === 'export',
  })
  if (!worked) return
  if (step.kind === 'export') play.hidden.addGuest(step.name)
  for (const { rules } of step.faults ?? []) await suspendAt(play, step.name, rules)
}

interface Call {
  readonly command: string
  readonly args: Value
  readonly label: string
  readonly head: string
  readonly members: Readonly<Record<string, Shown>>
}

type Build = (
  step: Step,
  options: Readonly<Record<string, Value>>,
  shown: Readonly<Record<string, Shown>>,
  play: Play,
) => Call

const ADD: Readonly<Record<Step['kind'], Build>> = {
  node: ({ name, faults = [] }, options, shown, play) => {
    const { driver, img, ...members } = shownWithFaults(shown, faults)
    const injected = lowerFaults({ ...options, 'node-name': name }, faults)
    const words = [name, ...(driver === undefined ? [] : [show(driver)])]
    if (img !== undefined) words.push(`img:${wordOf(img)}`)
    return {
      command: 'blockdev-add',
      args: play.images.lower(injected),
      label: 'node',
      head: words.join(' '),
      members,
    }
  },
  object: ({ name }, options, shown) => {
    const { 'qom-type': type, ...members } = shown
    return {
      command: 'object-add',
      args: { ...options, id: name },
      label: 'qmp',
      head: 'object-add',
      members: { ...(type === undefined ? {} : { 'qom-type': type }), id: name, ...members },
    }
  },
  export: ({ name }, options, shown) => {
    const { type, ...members } = shown
    return {
      command: 'block-export-add',
      args: { ...options, id: name },
      label: 'qmp',
      head: 'block-export-add',
      members: { ...(type === undefined ? {} : { type }), id: name, ...members },
    }
  },
}

/** The rules stand again where the author wrote them, each as one word list. */
function shownWithFaults(
  shown: Readonly<Record<string, Shown>>,
  faults: readonly NodeFaults[],
): Readonly<Record<string, Shown>> {
  let value: Shown = shown
  for (const { path, rules } of faults) value = withFaults(value, path, bare(showFaults(rules)))
  return isShownMap(value) ? value : shown
}

function withFaults(value: Shown, path: NodeFaults['path'], faults: Shown): Shown {
  const [head, ...rest] = path
  if (isShownList(value)) {
    return value.map((item, index) => (index === head ? withFaults(item, rest, faults) : item))
  }
  if (!isShownMap(value)) return value
  if (head === undefined) return { ...value, faults }
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      name === head ? withFaults(part, rest, faults) : part,
    ]),
  )
}

function wordOf(value: Shown): string {
  return isBare(value) ? value.text : typeof value === 'string' ? value : show(value)
}

async function serve(step: Step, play: Play): Promise<void> {
  const problem = await play.hidden.ensureServer()
  if (problem !== undefined) throw new StepError(problem, step.span)
}

async function remove(step: Step, play: Play): Promise<void> {
  const { remove: command, member } = COMMANDS[step.kind]
  const args = { [member]: step.name }
  await callCommand(play, {
    command,
    args,
    oob: false,
    expect: step.expect,
    returns: undefined,
    save: step.save,
    label: 'qmp',
    head: command,
    members: args,
  })
}

function makeConfigured(context: Context, kind: AddKind, entry: Entry): AddStep | undefined {
  if (entry.value.kind === 'scalar' && entry.value.text === 'gone') {
    wrongType(
      context,
      entry.value,
      `${kind} '${entry.name}'`,
      'a map of options',
      'gone is for steps',
    )
    return undefined
  }
  const expect: Expectation = { kind: 'ok', span: spanOf(entry.key), written: false }
  return makeAdd(context, kind, entry, { expect }, true)
}

/** One entry of a step, or of `nodes`, `objects`, `exports` at the top (`configured`). */
function makeAdd(
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
    removeName(context, kind, name, succeeds)
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

function removeName(context: Context, kind: AddKind, name: ScalarNode, succeeds: boolean): void {
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
