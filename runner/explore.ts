/**
 * All orders: a case whose actors take turns in every order is played anew for each of them, and
 * then with other choices among the engine's ready tasks, few changes first, up to the bound. The
 * transcript is that of the first order; whatever order fails is told by the list that replays it.
 */
import { printFixed } from '../dsl/index.ts'
import type { Schedule, TaskChoice, TogetherStep } from '../dsl/plan.ts'
import type { Played } from './execute.ts'
import type { Selected } from './selected.ts'
import { TaskTrail } from './task-trail.ts'

/** What is particular to one of several runs of a case. */
export interface Run {
  readonly order?: readonly string[]
  readonly trail?: TaskTrail
}

export type Exhaustive = Extract<Schedule, { readonly kind: 'all' }>

interface Candidate {
  readonly order: readonly string[]
  /** Choices that are not the oldest task, in the order of time. */
  readonly tasks: readonly TaskChoice[]
}

/** The schedule of a case that asks for all orders. */
export function exhaustiveOf({ case: { steps } }: Selected): Exhaustive | undefined {
  for (const step of steps) {
    if (step.kind === 'together' && step.schedule.kind === 'all') return step.schedule
  }
  return undefined
}

/** What follows the schedules of a case among tasks; undefined where nothing asks for it. */
export function trailOf({ case: { steps } }: Selected, seed: number): TaskTrail | undefined {
  const schedules = steps
    .filter((step): step is typeof step & TogetherStep => step.kind === 'together')
    .map((step) => step.schedule)
  const fixed = schedules.find((schedule) => schedule.kind === 'fixed')
  const seeded = schedules.find((schedule) => schedule.kind === 'seed')
  if (fixed === undefined && seeded === undefined) return undefined
  return new TaskTrail(seed, fixed?.tasks ?? [], seeded?.seed)
}

/** Plays order after order until one fails or the bound is reached. */
export async function playAll(
  { orders, bound }: Exhaustive,
  play: (run: Run) => Promise<Played>,
): Promise<Played> {
  const candidates: Candidate[] = orders.map((order) => ({ order, tasks: [] }))
  let first: Played | undefined
  // Candidates grow while they are played: each one shows where else a choice was.
  for (let run = 0; run < bound; run += 1) {
    const candidate = candidates[run]
    if (candidate === undefined) break
    const trail = new TaskTrail(0, candidate.tasks)
    const played = await play({ order: candidate.order, trail })
    if (played.end !== 'done') return withReplay(played, candidate)
    first ??= played
    addNeighbours(candidates, candidate, trail.counts, bound)
  }
  if (first === undefined) throw new Error('a schedule has at least one order')
  return first
}

/** The same run with one more choice changed, behind those that are changed already. */
function addNeighbours(
  candidates: Candidate[],
  { order, tasks }: Candidate,
  counts: readonly number[],
  bound: number,
): void {
  const from = (tasks.at(-1)?.at ?? -1) + 1
  for (const [at, count] of counts.entries()) {
    for (let pick = 1; at >= from && pick < count; pick += 1) {
      if (candidates.length >= bound) return
      candidates.push({ order, tasks: [...tasks, { at, pick }] })
    }
  }
}

function withReplay(played: Played, candidate: Candidate): Played {
  const replay = `replay with   schedule: ${printFixed(candidate.order, candidate.tasks)}`
  const failures = played.failures.map((failure) => ({
    ...failure,
    message: `${failure.message}\n${replay}`,
  }))
  return { ...played, failures }
}
