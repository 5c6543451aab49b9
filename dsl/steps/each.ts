/** `each`: repeats steps for each value of one list, or of several that are zipped. */
import { readList, readMap, shorten } from '../check.ts'
import type { Context } from '../context.ts'
import type { StepBody } from '../plan.ts'
import { Scope } from '../scope.ts'
import { bind, boundOf, isFreeName } from '../binding.ts'
import { fillDeep } from '../template.ts'
import { find, spanOf, type Entry, type ListNode } from '../tree.ts'
import { defineStructure, DO, type StepInput } from './kind.ts'

export const each = defineStructure({
  kind: 'loop',
  written: {
    doc: 'Repeats the steps under do for each value; several lists are zipped.',
    schema: { type: 'object', additionalProperties: { type: ['array', 'string'] } },
    keys: { do: DO },
    build: buildEach,
  },
  facts: () => ({
    judges: false,
    notByActors: 'a loop is written out, so that its steps can be counted',
  }),
})

function buildEach(context: Context, { map, value }: StepInput): readonly StepBody[] {
  const body = find(map, 'do')
  if (body === undefined) context.problem(value, 'missing-key', "a loop needs its steps under 'do'")
  const lists = readMap(context, value, "'each'")
  if (lists === undefined || body === undefined) return []
  const variables = lists.entries.flatMap((entry) => {
    const list = readList(context, entry.value, `'${shorten(entry.name)}'`)
    return list === undefined || !isFreeName(context, entry.key) ? [] : [{ entry, list }]
  })
  const [first] = variables
  if (first === undefined || !sameLength(context, variables)) return []
  const usage = variables.map(() => ({ used: false }))
  const turns = []
  for (let index = 0; index < first.list.items.length; index++) {
    if (!context.spendStep(value)) break
    const bindings = variables.flatMap(({ entry, list }, number) => {
      const item = list.items[index]
      return item === undefined ? [] : [bind('loop', entry, fillDeep(context, item), usage[number])]
    })
    const inner = context.with({ scope: new Scope(bindings, context.scope) })
    turns.push({ variables: bindings.map(boundOf), steps: inner.compileSteps(body.value, "'do'") })
  }
  reportUnused(context, variables, usage)
  return turns.length === 0 ? [] : [{ kind: 'loop', turns }]
}

interface LoopVariable {
  readonly entry: Entry
  readonly list: ListNode
}

function sameLength(context: Context, variables: readonly LoopVariable[]): boolean {
  const [first] = variables
  if (first === undefined) return false
  for (const { entry, list } of variables) {
    if (list.items.length === 0) {
      context.problem(list, 'each-empty', `the list '${shorten(entry.name)}' is empty`)
      return false
    }
    if (list.items.length === first.list.items.length) continue
    const message = `zipped lists are of one length: '${entry.name}' has ${String(list.items.length)} values, '${first.entry.name}' ${String(first.list.items.length)}`
    context.doubt(list, 'each-lengths', message, {
      notes: [{ message: 'the other list', span: spanOf(first.list) }],
    })
    return false
  }
  return true
}

function reportUnused(
  context: Context,
  variables: readonly LoopVariable[],
  usage: readonly { used: boolean }[],
): void {
  for (const [index, { entry }] of variables.entries()) {
    if (usage[index]?.used === true || variables.length === 1) continue
    context.doubt(entry.key, 'unused-variable', `the loop variable '${entry.name}' is not used`, {
      level: 'warning',
    })
  }
}
