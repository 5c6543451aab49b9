/** `node`, `object` and `export`: the add command by a short name, or the delete command. */
import type { AddStep, NodeFaults, StepCommon, Value } from '../../dsl/plan.ts'
import { suspendAt } from '../breakpoints.ts'
import { lowerFaults, showFaults } from '../faults.ts'
import { isMap } from '../json.ts'
import { bare, isBare, isShownList, isShownMap, type Shown, show } from '../notation.ts'
import type { Play } from '../play.ts'
import { StepError } from '../step-error.ts'
import { resolveTemplate, showTemplate } from '../variables.ts'
import { callCommand } from './command.ts'
import { defineStep } from './step.ts'

type Step = AddStep & StepCommon

const DELETE = {
  node: ['blockdev-del', 'node-name'],
  object: ['object-del', 'id'],
  export: ['block-export-del', 'id'],
} as const

export const node = defineStep({ kind: 'node', words: wordsOf, run: runAdd })
export const object = defineStep({ kind: 'object', words: wordsOf, run: runAdd })
export const exported = defineStep({ kind: 'export', words: wordsOf, run: runAdd })

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
  const [command, key] = DELETE[step.kind]
  const args = { [key]: step.name }
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
