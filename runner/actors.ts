/**
 * `together`: actors play their lanes in the order that the schedule says. On the engine a turn ends
 * when the step is done or can only wait for time or for others; then the next actor has its turn.
 * Freely, all actors start at once. Whatever the order, the transcript shows lane after lane.
 */
import type { Schedule, Step, StepCommon, TogetherStep } from '../dsl/plan.ts'
import type { Play } from './play.ts'
import { createDice } from './task-trail.ts'

type WalkStep = (step: Step, play: Play) => Promise<void>

interface Lane {
  readonly name: string
  readonly play: Play
  readonly steps: Step[]
  /** The step that the actor has begun and not ended. */
  busy: Promise<void> | undefined
}

export async function playTogether(
  step: TogetherStep & StepCommon,
  play: Play,
  walkStep: WalkStep,
): Promise<void> {
  const names = step.actors.map(({ name }) => name)
  await play.step(step, `together ${names.join(', ')}`, async () => {
    const lanes = step.actors.map(({ name, steps }): Lane => ({
      name,
      play: play.lane(),
      steps: [...steps],
      busy: undefined,
    }))
    const order = orderOf(step.schedule, lanes, play.options.order)
    const { trail } = play.options
    play.holdEvents()
    trail?.open()
    try {
      if (order === undefined) await playFreely(lanes, walkStep)
      else await playInOrder(lanes, order, play, walkStep)
    } finally {
      trail?.close()
      for (const lane of lanes) tell(play, lane)
      play.transcript.endLoop()
      await settleEvents(play)
    }
  })
}

/** Events of the last steps have arrived and stand behind the lanes. */
async function settleEvents(play: Play): Promise<void> {
  if (play.isRunning) await play.session.fence(play.withinMs).catch(() => undefined)
  play.collectEvents()
  play.releaseEvents()
}

/** The actor of each turn, or undefined where everybody starts at once. */
function orderOf(
  schedule: Schedule,
  lanes: readonly Lane[],
  chosen: readonly string[] | undefined,
): readonly string[] | undefined {
  switch (schedule.kind) {
    case 'free':
      return undefined
    case 'fixed':
      return schedule.order
    case 'all':
      return chosen ?? schedule.orders[0] ?? []
    case 'seed':
      return shuffledOrder(lanes, schedule.seed)
  }
}

/** Every turn goes to one of the actors that have steps left. */
function shuffledOrder(lanes: readonly Lane[], seed: number): readonly string[] {
  const below = createDice(seed)
  const left = lanes.flatMap((lane) => lane.steps.map(() => lane.name))
  const order: string[] = []
  while (left.length > 0) order.push(...left.splice(below(left.length), 1))
  return order
}

async function playFreely(lanes: readonly Lane[], walkStep: WalkStep): Promise<void> {
  const work = lanes.map(async ({ steps, play }) => {
    for (const step of steps) await walkStep(step, play)
  })
  // One actor's failure does not cut another one's step in two.
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') throw result.reason
  }
}

async function playInOrder(
  lanes: readonly Lane[],
  order: readonly string[],
  play: Play,
  walkStep: WalkStep,
): Promise<void> {
  try {
    for (const name of order) {
      const lane = lanes.find((one) => one.name === name)
      const step = lane?.steps[0]
      if (lane === undefined || step === undefined) continue
      await lane.busy
      lane.steps.shift()
      lane.busy = walkStep(step, lane.play)
      // A failure is told when the actor is waited for.
      lane.busy.catch(() => undefined)
      await Promise.race([lane.busy, idle(play)])
    }
  } finally {
    await Promise.allSettled(lanes.flatMap((lane) => lane.busy ?? []))
  }
  for (const lane of lanes) await lane.busy
}

/** Nothing can happen any more without time passing. */
function idle(play: Play): Promise<void> {
  return play.station.advance?.(1) ?? new Promise(() => undefined)
}

function tell(play: Play, lane: Lane): void {
  play.transcript.add({ kind: 'turn', text: lane.name })
  for (const fact of lane.play.transcript.facts()) play.transcript.add(fact)
}
