/** Which cases are played, and in which order. */
import type { Case, Profile, Scenario, Suite } from '../dsl/plan.ts'

/** One case in one profile. */
export interface Selected {
  readonly scenario: Scenario
  readonly case: Case
  readonly profile: Profile
}

export type Order =
  | { readonly kind: 'name' }
  /** As the files and matrices list them. */
  | { readonly kind: 'plan' }
  | { readonly kind: 'random'; readonly seed: number }

/** Every case of a suite in every profile that its scenario states. */
export function selectAll(suite: Suite): Selected[] {
  return suite.scenarios.flatMap((scenario) =>
    scenario.cases.flatMap((which) =>
      scenario.profiles.map((profile) => ({ scenario, case: which, profile })),
    ),
  )
}

export function orderCases(cases: readonly Selected[], order: Order): Selected[] {
  if (order.kind === 'plan') return [...cases]
  if (order.kind === 'name') {
    const key = (one: Selected): string => `${one.case.id} ${one.profile}`
    return [...cases].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  }
  return shuffle(cases, order.seed)
}

/** Fisher and Yates with a small generator: the same seed gives the same order everywhere. */
function shuffle<T>(items: readonly T[], seed: number): T[] {
  const mixed = [...items]
  let state = seed >>> 0
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = Math.floor((state / 2 ** 32) * (at + 1))
    const one = mixed[at]
    const two = mixed[other]
    if (one === undefined || two === undefined) continue
    mixed[at] = two
    mixed[other] = one
  }
  return mixed
}
