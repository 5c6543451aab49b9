/** `use`: plays the steps of a fragment. */
import {
  checkKeys,
  checkPath,
  readList,
  readMap,
  readText,
  shorten,
  type KeyInfo,
} from '../check.ts'
import type { Context } from '../context.ts'
import { LIMITS } from '../limits.ts'
import type { Step, StepBody } from '../plan.ts'
import { Scope, type Binding } from '../scope.ts'
import { bind } from '../binding.ts'
import { didYouMean } from '../suggest.ts'
import { fillDeep } from '../template.ts'
import { find, isNull, spanOf, withVia, type MapNode, type Node, type ScalarNode } from '../tree.ts'
import { defineStructure, type StepInput } from './kind.ts'

export const use = defineStructure({
  kind: 'use',
  written: {
    doc: 'Plays the steps of a fragment: a file that starts with `fragment: 1`.',
    schema: { type: 'string' },
    keys: { with: { doc: "The fragment's inputs.", schema: { type: 'object' } } },
    build: buildUse,
  },
  facts: () => ({ judges: false }),
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
