/** After a case is compiled: the orders that its `together` steps play. */
import type { Context } from './context.ts'
import { Footprints } from './footprint.ts'
import type { LoopStep, Schedule, Step, StepCommon, TogetherStep } from './plan.ts'
import { ordersOf } from './schedules.ts'
import type { Source } from './source.ts'
import { find, type MapNode } from './tree.ts'

type Together = TogetherStep & StepCommon

export function settleSchedules(
  context: Context,
  map: MapNode,
  setup: readonly Step[],
  steps: readonly Step[],
): readonly Step[] {
  const { source } = map
  let exhaustive: Together | undefined
  checkOrder(context, map, steps)
  for (const step of steps) if (step.kind === 'loop') reportInLoop(context, source, step)
  return steps.map((step, index) => {
    if (step.kind !== 'together' || step.schedule.kind !== 'all') return step
    if (exhaustive !== undefined) {
      const { span } = step.schedule
      context.fields.session.report.add(
        'together-twice',
        source,
        span,
        'another step of the case plays all orders already',
        { notes: [{ message: 'this one', span: exhaustive.schedule.span }] },
      )
      return step
    }
    exhaustive = step
    const lanes = step.actors.map((actor) => actor.steps)
    const footprints = new Footprints(context.kinds, setup, steps.slice(0, index), lanes)
    return { ...step, schedule: settle(context, source, step, step.schedule, footprints) }
  })
}

/** In order of arrival nobody could tell which actor a line belongs to. */
function checkOrder(context: Context, map: MapNode, steps: readonly Step[]): void {
  const golden = find(map, 'golden')
  const order = golden?.value.kind === 'map' ? find(golden.value, 'order')?.value : undefined
  if (golden === undefined || order?.kind !== 'scalar' || order.text !== 'strict') return
  const step = steps.find(({ kind }) => kind === 'together')
  if (step === undefined) return
  context.problem(golden.key, 'together-strict', 'actors are lanes; strict order knows none', {
    notes: [{ message: 'actors play here', span: step.span }],
  })
}

/** A loop would multiply the orders of one turn with those of the others. */
function reportInLoop(context: Context, source: Source, loop: LoopStep): void {
  for (const step of loop.turns.flatMap((turn) => turn.steps)) {
    if (step.kind === 'loop') reportInLoop(context, source, step)
    if (step.kind !== 'together' || step.schedule.kind !== 'all') continue
    const { span } = step.schedule
    const message = 'all orders are not played in a loop'
    context.fields.session.report.add('together-place', source, span, message)
  }
}

function settle(
  context: Context,
  source: Source,
  step: Together,
  schedule: Extract<Schedule, { readonly kind: 'all' }>,
  footprints: Footprints,
): Schedule {
  const lanes = step.actors.map((actor) => actor.steps)
  const found = ordersOf(
    lanes.map((lane) => lane.map((one) => footprints.of(one))),
    schedule.bound,
  )
  if (found === undefined) {
    const counts = lanes.map((lane) => String(lane.length)).join(' and ')
    context.fields.session.report.add(
      'schedule-unbounded',
      source,
      schedule.span,
      `${counts} steps have more than ${String(schedule.bound)} orders that differ`,
      { help: 'shorten the lanes, raise the bound (all 500), or take seed N' },
    )
    return schedule
  }
  const orders = found.map((order) => order.map((lane) => step.actors[lane]?.name ?? ''))
  return { ...schedule, orders }
}
