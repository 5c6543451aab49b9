/** Lists of steps: which kind each is, what every step may carry, and its body. */
import {
  checkKeys,
  notBuilt,
  readBoolean,
  readDuration,
  readList,
  readText,
  shorten,
  wrongType,
  type KeyInfo,
} from './check.ts'
import { makeClauseRef } from './clauses.ts'
import { stepCondition } from './condition.ts'
import type { Context } from './context.ts'
import { makeEventClaims } from './events.ts'
import { noNeeds } from './needs.ts'
import type { Condition, Step, StepBody, StepCommon } from './plan.ts'
import { makeSaves } from './save.ts'
import { compileGroup, dryContext, GROUP_KEYS } from './steps/group.ts'
import { PLAYED_KEYS, type StepForm } from './steps/kind.ts'
import { SLEEPS } from './steps/table.ts'
import { didYouMean } from './suggest.ts'
import { find, isNull, spanOf, type Entry, type MapNode, type Node } from './tree.ts'
import { resolve } from './variables.ts'

type CommonKey = KeyInfo & { readonly schema: object }

/** Keys that every step may carry, but for headings. */
export const COMMON_KEYS = {
  note: { doc: 'A remark for readers.', schema: { type: 'string' } },
  id: { doc: 'Stable name of the step for reports.', schema: { type: 'string' } },
  clause: { doc: 'Clause of the specification that the step shows.', schema: { type: 'string' } },
  if: { doc: 'Play the step only when this holds.', schema: { type: ['string', 'boolean'] } },
  unless: {
    doc: 'Play the step only when this does not hold.',
    schema: { type: ['string', 'boolean'] },
  },
  within: { doc: 'Deadline of the step.', schema: { type: 'string' } },
  golden: { doc: 'false: the step leaves no line in the golden.', schema: { type: 'boolean' } },
  save: { doc: 'Names parts of the reply.', schema: { type: 'object' } },
  events: { doc: 'Claims about the events that the step causes.', schema: { type: 'array' } },
} as const satisfies Record<string, CommonKey>

/** Keys of a heading. */
const HEADING_KEYS = Object.fromEntries(
  Object.entries(COMMON_KEYS).filter(([name]) => !PLAYED_KEYS.some((key) => key === name)),
)

/** Keys that a step may carry besides those of its kind. */
export function commonKeys({ isHeading }: StepForm): Readonly<Record<string, CommonKey>> {
  return isHeading === true ? HEADING_KEYS : COMMON_KEYS
}

export function compileSteps(context: Context, node: Node, what: string): readonly Step[] {
  if (isNull(node)) {
    wrongType(context, node, what, 'a list of steps')
    return []
  }
  const list = readList(context, node, what)
  return list?.items.flatMap((item) => compileStep(context, item)) ?? []
}

function compileStep(context: Context, node: Node): readonly Step[] {
  const map = resolve(context, node)
  if (map === undefined) return []
  if (map.kind !== 'map') {
    const help =
      map.kind === 'scalar' && /^\w+ *:\S/.test(map.text)
        ? 'a blank stands behind the colon'
        : undefined
    wrongType(context, map, 'a step', 'a map such as {phase: …} or {qmp: …}', help)
    return []
  }
  const kind = kindOf(context, map)
  if (kind === undefined || !context.spendStep(map)) return []
  if (kind === 'group') {
    checkKeys(context, map, GROUP_TABLE, 'a condition')
    const isWhole = PLAYED_KEYS.some((name) => find(map, name) !== undefined)
    return wrap(context, map, kind, compileGroup(context, map, isWhole))
  }
  const { name, form } = kind
  checkKeys(context, map, context.kinds.keys(name, form, commonKeys(form)), `a ${name} step`)
  const condition = stepCondition(context, map)
  const input = { map, value: find(map, name)?.value ?? map }
  if (condition === undefined || (condition.kind === 'constant' && condition.value)) {
    return wrap(context, map, name, form.build(context, input))
  }
  if (condition.kind === 'constant') {
    const dry = dryContext(context)
    wrap(dry, map, name, form.build(dry, input))
    return []
  }
  const names = context.names.fork()
  const inner = context.with({ names, needs: noNeeds(), unsure: true })
  const steps = wrap(inner, map, name, form.build(inner, input), condition)
  context.names.join(names)
  return steps
}

const GROUP_TABLE = { ...COMMON_KEYS, ...GROUP_KEYS }

interface Written {
  readonly name: string
  readonly form: StepForm
}

/** The kind of a step, by its keys; reports where there is none, or more than one. */
function kindOf(context: Context, map: MapNode): Written | 'group' | undefined {
  const { steps, attributes } = context.kinds
  const named = map.entries.filter(({ name }) => Object.hasOwn(steps, name))
  const [first, second] = named
  if (first !== undefined) {
    if (second !== undefined) reportTwo(context, first, second)
    const form = steps[first.name]
    return form === undefined ? undefined : { name: first.name, form }
  }
  if (reportForeign(context, map)) return undefined
  const conditional = find(map, 'if') ?? find(map, 'unless')
  const isGroup = find(map, 'do') !== undefined || find(map, 'else') !== undefined
  if (conditional !== undefined && isGroup) return 'group'
  for (const [name, form] of Object.entries(attributes)) {
    if (find(map, name) !== undefined) return { name, form }
  }
  reportNone(context, map)
  return undefined
}

function reportTwo(context: Context, first: Entry, second: Entry): void {
  context.problem(
    second.key,
    'two-step-kinds',
    `a step is one thing: '${first.name}' or '${second.name}'`,
    {
      notes: [{ message: 'the other one', span: spanOf(first.key) }],
      help: 'is a dash missing before the second?',
    },
  )
}

/** Kinds that are not built, or that the language does not want. */
function reportForeign(context: Context, map: MapNode): boolean {
  for (const { name, key } of map.entries) {
    if (context.kinds.notBuilt.includes(name)) {
      notBuilt(context, key, `step '${name}'`)
      return true
    }
    if (SLEEPS.some((word) => word === name)) {
      context.problem(key, 'no-sleep', 'there is no sleep', {
        help: 'wait for a condition, or advance virtual time',
      })
      return true
    }
  }
  return false
}

function reportNone(context: Context, map: MapNode): void {
  const { steps, notBuilt } = context.kinds
  const names = Object.keys(steps)
  const foreign = map.entries.find(({ name }) => !Object.hasOwn(COMMON_KEYS, name))
  const message =
    foreign === undefined
      ? 'this step does nothing'
      : `no step is called '${shorten(foreign.name)}'`
  context.problem(foreign?.key ?? map, 'unknown-step', message, {
    help:
      didYouMean(foreign?.name ?? '', [...names, ...notBuilt]) ?? `steps are ${names.join(', ')}`,
  })
}

/** Adds what every step has; claims about events and saved values belong to the last of several. */
function wrap(
  context: Context,
  map: MapNode,
  name: string,
  bodies: readonly (Step | StepBody)[],
  when?: Condition,
): readonly Step[] {
  const last = bodies.length - 1
  const common = commonOf(context, map)
  const trailing = trailingOf(context, map, name)
  return bodies.map((body, index) => {
    // A group that was decided has left whole steps; its silence is theirs.
    if ('span' in body && 'golden' in body) return common.golden ? body : { ...body, golden: false }
    return {
      ...common,
      ...(when === undefined ? {} : { when }),
      ...(index === last ? { ...trailing.save, ...trailing.events } : {}),
      ...body,
    }
  })
}

function commonOf(context: Context, map: MapNode): StepCommon {
  const read = (name: keyof typeof COMMON_KEYS) => find(map, name)?.value
  const [note, id, clause, within, golden] = [
    read('note'),
    read('id'),
    read('clause'),
    read('within'),
    read('golden'),
  ]
  const idText = id === undefined ? undefined : readText(context, id, "'id'")?.text
  const noteText = note?.kind === 'scalar' ? note.text : undefined
  if (note !== undefined && noteText === undefined) wrongType(context, note, "'note'", 'text')
  const ref = clause === undefined ? undefined : makeClauseRef(context, clause)
  const ns = within === undefined ? undefined : readDuration(context, within, "'within'")
  return {
    span: spanOf(map),
    ...(idText === undefined ? {} : { id: idText }),
    ...(noteText === undefined ? {} : { note: noteText }),
    ...(ref === undefined ? {} : { clause: ref }),
    ...(ns === undefined ? {} : { withinMs: ns / 1e6 }),
    golden: golden === undefined ? true : (readBoolean(context, golden, "'golden'") ?? true),
  }
}

/** @param own - The kind of the step, which may be one of these keys itself. */
function trailingOf(context: Context, map: MapNode, own: string) {
  const saveNode = own === 'save' ? undefined : find(map, 'save')?.value
  const eventsNode = own === 'events' ? undefined : find(map, 'events')?.value
  return {
    save: saveNode === undefined ? {} : { save: makeSaves(context, saveNode) },
    events: eventsNode === undefined ? {} : { events: makeEventClaims(context, eventsNode) },
  }
}
