/**
 * Which clauses a scenario holds against what is there after a command: claims about the graph with
 * its permissions, about bytes, or about events, and not only about replies. Pure.
 */
import type { Scenario, Step } from '../../dsl/plan.ts'
import { definitionOf } from '../steps/index.ts'
import { isPlayed } from '../steps/step.ts'

/** A claim speaks of the clause that its step names, or of the only one that the scenario names. */
export function clausesWithEffects({ spec, refuses, cases }: Scenario): ReadonlySet<string> {
  const named = new Set([...spec, ...refuses].map(({ id }) => id))
  const only = named.size === 1 ? [...named] : []
  const found = new Set<string>()
  for (const { steps, after } of cases) {
    let acted = false
    for (const step of [...steps, ...after].flatMap(flatten)) {
      acted ||= acts(step)
      if (!acted || !claimsEffect(step)) continue
      for (const id of step.clause === undefined ? only : [step.clause.id]) found.add(id)
    }
  }
  return found
}

function flatten(step: Step): readonly Step[] {
  switch (step.kind) {
    case 'loop':
      return step.turns.flatMap((turn) => turn.steps.flatMap(flatten))
    case 'group':
      return [...step.then, ...step.otherwise].flatMap(flatten)
    case 'use':
      return step.steps.flatMap(flatten)
    case 'together':
      return step.actors.flatMap((actor) => actor.steps.flatMap(flatten))
    default:
      return [step]
  }
}

function acts(step: Step): boolean {
  return isPlayed(step) && definitionOf(step).acts?.(step) === true
}

function claimsEffect(step: Step): boolean {
  if (step.events?.some(({ kind }) => kind !== 'optional') === true) return true
  return isPlayed(step) && definitionOf(step).claimsEffect?.(step) === true
}
