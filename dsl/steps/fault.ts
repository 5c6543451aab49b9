/** `fault`: rules that come, go or let a suspended request go on while the target runs. */
import { checkKeys, readMap, readText, type KeyInfo } from '../check.ts'
import type { Context } from '../context.ts'
import { makeFaults } from '../fault.ts'
import { checkFaulty } from '../node-faults.ts'
import type { FaultStep } from '../plan.ts'
import { checkName } from '../subject.ts'
import { find, spanOf, type MapNode } from '../tree.ts'
import { defineStep } from './kind.ts'

const KEYS: Readonly<Record<string, KeyInfo>> = {
  on: { doc: 'Node whose requests shall fail.' },
  add: { doc: 'A fault, or a list of them.' },
  resume: { doc: 'Name under which a request was suspended.' },
  clear: { doc: 'Node that shall have no faults any more.' },
}

export const fault = defineStep({
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
