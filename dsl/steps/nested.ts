/** `each`, `if`, `use`: steps that hold steps. */
import {
  checkKeys,
  checkPath,
  readList,
  readMap,
  readText,
  shorten,
  type KeyInfo,
} from '../check.ts'
import { stepCondition } from '../condition.ts'
import type { Context } from '../context.ts'
import { LIMITS } from '../limits.ts'
import { noNeeds } from '../needs.ts'
import type { Condition, Step, StepBody } from '../plan.ts'
import { Scope, type Binding } from '../scope.ts'
import { bind, boundOf, isFreeName } from '../binding.ts'
import { didYouMean } from '../suggest.ts'
import { fillDeep } from '../template.ts'
import {
  find,
  isNull,
  spanOf,
  withVia,
  type Entry,
  type ListNode,
  type MapNode,
  type Node,
  type ScalarNode,
} from '../tree.ts'
import { defineStep, type StepInput } from './kind.ts'

const STEPS_SCHEMA = { type: 'array', items: { $ref: '#/definitions/step' } } as const
const DO = { doc: 'Steps.', schema: STEPS_SCHEMA } as const

export const each = defineStep({
  doc: 'Repeats the steps under do for each value; several lists are zipped.',
  schema: { type: 'object', additionalProperties: { type: ['array', 'string'] } },
  keys: { do: DO },
  build: buildEach,
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

// --- if ----------------------------------------------------------------------------------------

export const group = defineStep({
  doc: 'Steps under a condition: if or unless with do and else.',
  schema: { type: 'string' },
  keys: { do: DO, else: { ...DO, doc: 'Steps for the other case.' } },
  build() {
    throw new Error('groups are compiled by compileGroup')
  },
})

/** A decided group dissolves into the steps that are played. */
export function compileGroup(context: Context, map: MapNode): readonly (Step | StepBody)[] {
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
    return taken ? steps : others
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

// --- use ---------------------------------------------------------------------------------------

export const use = defineStep({
  doc: 'Plays the steps of a fragment: a file that starts with `fragment: 1`.',
  schema: { type: 'string' },
  keys: { with: { doc: "The fragment's inputs.", schema: { type: 'object' } } },
  build: buildUse,
})

const FRAGMENT_KEYS: Readonly<Record<string, KeyInfo>> = {
  fragment: { doc: 'Format version: 1.' },
  title: { doc: 'One line.' },
  about: { doc: 'What it is for.' },
  inputs: { doc: 'Names of inputs; {name: default} for those that may be left out.' },
  define: { doc: 'Home for anchors.' },
  steps: { doc: 'The steps.' },
}

function buildUse(context: Context, { map, value }: StepInput): readonly StepBody[] {
  const path = readText(context, value, "'use'")
  if (path === undefined || !checkPath(context, path)) return []
  const { using, session } = context.fields
  if (using.includes(path.text)) {
    const chain = [...using, path.text].join(' -> ')
    context.problem(value, 'cyclic-use', `the fragment uses itself: ${chain}`)
    return []
  }
  if (using.length >= LIMITS.useDepth) {
    context.problem(
      value,
      'use-too-deep',
      `fragments use each other deeper than ${String(LIMITS.useDepth)} levels`,
    )
    return []
  }
  const file = session.fragment(path.text)
  if (file === undefined) {
    context.problem(value, 'no-fragment', `there is no fragment '${shorten(path.text)}'`, {
      help: "paths are relative to the suite's folder",
    })
    return []
  }
  if (file.root === undefined) {
    context.problem(
      value,
      'broken-fragment',
      `the fragment '${shorten(path.text)}' can not be read`,
    )
    return []
  }
  const root = withVia(file.root, { message: 'used here', span: spanOf(value) })
  const steps = fragmentSteps(context, path.text, root, map)
  return steps === undefined ? [] : [{ kind: 'use', file: file.source.file, steps }]
}

function fragmentSteps(
  context: Context,
  path: string,
  root: Node,
  step: MapNode,
): readonly Step[] | undefined {
  const map = root.kind === 'map' ? root : undefined
  const version = map === undefined ? undefined : find(map, 'fragment')?.value
  if (map === undefined || version?.kind !== 'scalar' || version.value !== 1n) {
    context.problem(version ?? root, 'no-fragment', 'a fragment starts with   fragment: 1')
    return undefined
  }
  checkKeys(context, map, FRAGMENT_KEYS, 'a fragment')
  const inputs = bindInputs(context, map, step)
  const body = find(map, 'steps')
  if (body === undefined) {
    context.problem(map, 'missing-key', "a fragment needs 'steps'")
    return undefined
  }
  const inner = context.with({ scope: new Scope(inputs), using: [...context.fields.using, path] })
  return inner.compileSteps(body.value, "'steps'")
}

/** Declared inputs with what `with` gives them, or their defaults. */
function bindInputs(context: Context, fragment: MapNode, step: MapNode): Binding[] {
  const given = find(step, 'with')
  const values = given === undefined ? undefined : readMap(context, given.value, "'with'")
  const declared = declaredInputs(context, fragment)
  for (const { name, key } of values?.entries ?? []) {
    if (declared.some((input) => input.name === name)) continue
    context.problem(key, 'unknown-input', `the fragment has no input '${shorten(name)}'`, {
      help: didYouMean(
        name,
        declared.map((input) => input.name),
      ),
    })
  }
  return declared.flatMap((input) => {
    const entry = values === undefined ? undefined : find(values, input.name)
    if (entry !== undefined)
      return [bind('with', entry, fillDeep(context, entry.value), { used: true })]
    if (input.fallback !== undefined)
      return [bind('with', { ...input, value: input.fallback }, input.fallback, { used: true })]
    context.problem(
      given?.key ?? step,
      'missing-input',
      `the fragment needs the input '${input.name}'`,
      {
        notes: [{ message: 'declared here', span: spanOf(input.key) }],
      },
    )
    return []
  })
}

interface Input {
  readonly name: string
  readonly key: ScalarNode
  readonly fallback: Node | undefined
}

function declaredInputs(context: Context, fragment: MapNode): readonly Input[] {
  const entry = find(fragment, 'inputs')
  if (entry === undefined || isNull(entry.value)) return []
  const list = readList(context, entry.value, "'inputs'")
  return (
    list?.items.flatMap((item): Input[] => {
      if (item.kind === 'map')
        return item.entries.map(({ name, key, value }) => ({ name, key, fallback: value }))
      const text = readText(context, item, 'an input')
      return text === undefined ? [] : [{ name: text.text, key: text, fallback: undefined }]
    }) ?? []
  )
}
