/** `if` and `unless` with `do` and `else`: steps under a condition. */
import { stepCondition } from '../condition.ts'
import type { Context } from '../context.ts'
import { noNeeds } from '../needs.ts'
import type { Condition, Step, StepBody } from '../plan.ts'
import { find, spanOf, type MapNode, type Node } from '../tree.ts'
import { defineStructure, DO } from './kind.ts'

/** Has no key of its own, so it is written like none of the others; `GROUP_KEYS` are its keys. */
export const group = defineStructure({
  kind: 'group',
  facts: () => ({
    judges: false,
    notByActors: 'what only the target decides has no fixed number of steps',
  }),
})

export const GROUP_KEYS = { do: DO, else: { ...DO, doc: 'Steps for the other case.' } } as const

/**
 * A decided group dissolves into the steps that are played.
 *
 * @param isWhole - Something is said of all its steps together, so that it stays a step.
 */
export function compileGroup(
  context: Context,
  map: MapNode,
  isWhole: boolean,
): readonly (Step | StepBody)[] {
  const condition = stepCondition(context, map)
  const then = find(map, 'do')?.value
  const otherwise = find(map, 'else')?.value
  if (then === undefined) {
    context.problem(map, 'missing-key', "a condition needs its steps under 'do'")
    return []
  }
  if (condition === undefined || condition.kind === 'constant') {
    const taken = condition?.value !== false
    const dry = dryContext(context)
    const steps = (taken ? context : dry).compileSteps(then, "'do'")
    const others =
      otherwise === undefined ? [] : (taken ? dry : context).compileSteps(otherwise, "'else'")
    const played = taken ? steps : others
    if (!isWhole || played.length === 0) return played
    const when = { kind: 'constant', value: true, span: spanOf(map) } as const
    return [{ kind: 'group', when, then: played, otherwise: [] }]
  }
  return [runtimeGroup(context, condition, then, otherwise)]
}

export function dryContext(context: Context): Context {
  return context.with({ dry: true, names: context.names.fork(), needs: noNeeds() })
}

function runtimeGroup(
  context: Context,
  when: Condition,
  then: Node,
  otherwise: Node | undefined,
): StepBody {
  const branches = [then, otherwise].map((node) => {
    const names = context.names.fork()
    const inner = context.with({ names, needs: noNeeds(), unsure: true })
    return { names, steps: node === undefined ? [] : inner.compileSteps(node, "'do'") }
  })
  for (const { names } of branches) context.names.join(names)
  return {
    kind: 'group',
    when,
    then: branches[0]?.steps ?? [],
    otherwise: branches[1]?.steps ?? [],
  }
}
