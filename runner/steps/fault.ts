/** `fault`: rules that come, go or let a request go on while the target runs. */
import { checkKeys, type KeyInfo, readMap, readText } from '../../dsl/check.ts'
import type { Context } from '../../dsl/context.ts'
import { makeFaults } from '../../dsl/fault.ts'
import { checkFaulty } from '../../dsl/node-faults.ts'
import type { FaultRule } from '../../dsl/plan.ts'
import { checkName } from '../../dsl/subject.ts'
import { find, type MapNode, spanOf } from '../../dsl/tree.ts'
import { addFaults, clearFaults, resume } from '../breakpoints.ts'
import { defineStep } from './step.ts'

interface FaultStep {
  readonly kind: 'fault'
  readonly action:
    | { readonly kind: 'add'; readonly node: string; readonly rules: readonly FaultRule[] }
    | { readonly kind: 'resume'; readonly tag: string }
    | { readonly kind: 'clear'; readonly node: string }
  /** Canonical spelling. */
  readonly text: string
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly fault: FaultStep
  }
}

const KEYS: Readonly<Record<string, KeyInfo>> = {
  on: { doc: 'Node whose requests shall fail.' },
  add: { doc: 'A fault, or a list of them.' },
  resume: { doc: 'Name under which a request was suspended.' },
  clear: { doc: 'Node that shall have no faults any more.' },
}

export const fault = defineStep({
  kind: 'fault',
  written: {
    doc: 'Faults at run time: {on: NODE, add: "read any => EIO once"}, {resume: NAME}, {clear: NODE}.',
    schema: {
      type: 'object',
      properties: { on: {}, add: {}, resume: {}, clear: {} },
      additionalProperties: false,
    },
    keys: {},
    build(context, { value }) {
      const map = readMap(context, value, "'fault'")
      if (map === undefined) return []
      checkKeys(context, map, KEYS, "'fault'")
      const made = actionOf(context, map)
      return made === undefined ? [] : [{ kind: 'fault', ...made }]
    },
  },
  facts({ action }) {
    if (action.kind === 'resume') return {}
    const { node } = action
    return action.kind === 'add'
      ? { faults: { node, rules: action.rules, add: true } }
      : { faults: { node, rules: [], add: false } }
  },
  words: (step) => `fault ${step.text}`,
  async run(step, play) {
    const { action } = step
    let outcome = 'ok'
    switch (action.kind) {
      case 'add':
        await addFaults(play, action.node, action.rules, step.span)
        break
      case 'clear':
        await clearFaults(play, action.node, step.span)
        break
      case 'resume':
        if (!(await resume(play, action.tag, step.span))) {
          outcome = 'nothing'
          const message = `no request is suspended as '${action.tag}'`
          play.blame('claim', { span: step.span, message })
        }
    }
    play.transcript.add({
      kind: 'statement',
      label: 'fault',
      head: step.text,
      members: {},
      outcome,
      details: [],
    })
  },
})

function actionOf(context: Context, map: MapNode): Omit<FaultStep, 'kind'> | undefined {
  const [on, add, resume, clear] = ['on', 'add', 'resume', 'clear'].map((name) => find(map, name))
  const count = [on ?? add, resume, clear].filter((entry) => entry !== undefined).length
  if (count !== 1 || (on === undefined) !== (add === undefined)) {
    context.problem(
      map,
      'fault-step',
      'a fault step is {on: NODE, add: "…"}, {resume: NAME} or {clear: NODE}',
    )
    return undefined
  }
  const { needs } = context.fields
  if (on !== undefined && add !== undefined) {
    const node = readText(context, on.value, "'on'")
    const rules = makeFaults(context, add.value, "'add'")
    if (rules.some(({ after }) => after > 0)) {
      context.problem(add.value, 'fault-after', 'an injector that runs already counts no requests')
    }
    if (node === undefined) return undefined
    checkName(context, node, spanOf(node), 'node', node.text)
    checkFaulty(context, node, node.text)
    needs.infer('fault.add', spanOf(add.key))
    const text = rules.map((rule) => rule.text).join(', ')
    return { action: { kind: 'add', node: node.text, rules }, text: `${node.text} add ${text}` }
  }
  if (resume !== undefined) {
    const tag = readText(context, resume.value, "'resume'")
    if (tag === undefined) return undefined
    checkName(context, tag, spanOf(tag), 'breakpoint', tag.text)
    needs.infer('fault.suspend', spanOf(resume.key))
    return { action: { kind: 'resume', tag: tag.text }, text: `resume ${tag.text}` }
  }
  const node = clear === undefined ? undefined : readText(context, clear.value, "'clear'")
  if (node === undefined || clear === undefined) return undefined
  checkName(context, node, spanOf(node), 'node', node.text)
  checkFaulty(context, node, node.text)
  needs.infer('fault.clear', spanOf(clear.key))
  return { action: { kind: 'clear', node: node.text }, text: `clear ${node.text}` }
}
