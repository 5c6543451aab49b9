/** `save`: keeps a part of a query, or of what came last, under a name. */
import { makeAnswer } from '../../dsl/expectation.ts'
import type { Claim } from '../../dsl/plan-claims.ts'
import type { SaveItem, SavePath, StepCommon, Value } from '../../dsl/plan.ts'
import { makeSaves } from '../../dsl/save.ts'
import { ANSWER_KEYS, TEXT } from '../../dsl/steps/kind.ts'
import { isGraphQuery } from '../graph.ts'
import { isList, member, plainText } from '../json.ts'
import { brief } from '../match.ts'
import { show } from '../notation.ts'
import type { Play } from '../play.ts'
import { StepError } from '../step-error.ts'
import { defineStep } from './step.ts'

interface SaveStep {
  readonly kind: 'save'
  readonly items: readonly SaveItem[]
  readonly returns?: Claim
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly save: SaveStep
  }
}

export const save = defineStep({
  kind: 'save',
  written: {
    doc: 'Names parts of a reply: {name: path}; `return` claims what they are.',
    schema: { type: 'object', additionalProperties: TEXT },
    keys: { return: { doc: 'Claim about the saved value.', schema: {} }, by: ANSWER_KEYS.by },
    isAttribute: true,
    build(context, { map, value }) {
      const items = makeSaves(context, value)
      const { returns } = makeAnswer(context, map)
      return [{ kind: 'save', items, ...(returns === undefined ? {} : { returns }) }]
    },
  },
  words: (step) => `save ${step.items.map((item) => item.name).join(' ')}`,
  async run(step, play) {
    for (const item of step.items) {
      const value = await saveItem(play, item)
      play.last = value
      if (step.returns !== undefined) play.check(step.returns, value)
    }
  },
  claimsEffect: ({ items, returns }) =>
    returns !== undefined && items.some(({ path }) => isGraphQuery(path.command)),
})

async function saveItem(play: Play, item: SaveItem): Promise<Value> {
  const { command } = item.path
  const base = command === undefined ? play.last : await play.query(command, undefined, item.span)
  const value = pick(base, item.path.hops)
  if (value === undefined) {
    throw new StepError(`there is no ${item.text} in ${brief(base)}`, item.span)
  }
  keep(play, item, value)
  return value
}

/** `save` beside another step: parts of what that step got, or of a query after it. */
export async function saveBeside(play: Play, items: StepCommon['save']): Promise<void> {
  for (const item of items ?? []) await saveItem(play, item)
}

function keep(play: Play, item: SaveItem, value: Value): void {
  play.save(item.name, value)
  const shown = play.shown(value, `save ${item.path.command ?? ''}`)
  play.transcript.add({ kind: 'line', label: 'save', text: `${item.name} ${show(shown)}` })
}

export function pick(base: Value | undefined, hops: SavePath['hops']): Value | undefined {
  let value = base
  for (const hop of hops) {
    if (hop.kind === 'member') {
      value = member(value, hop.name)
    } else if (!isList(value)) {
      return undefined
    } else if (hop.kind === 'index') {
      value = value[hop.index < 0 ? value.length + hop.index : hop.index]
    } else {
      value = value.find((item) => plainText(member(item, hop.member)) === hop.value)
    }
    if (value === undefined) return undefined
  }
  return value
}
