/** What a step kind is: one file each, listed in `index.ts`. */
import type { StepKind, StepOf } from '../../dsl/plan.ts'
import type { Play } from '../play.ts'

/** Kinds that only hold or head other steps; the walk over steps does them itself. */
export type WalkedKind = 'phase' | 'loop' | 'group' | 'use' | 'together'
export type PlayedKind = Exclude<StepKind, WalkedKind>

export interface StepDefinition<K extends PlayedKind = PlayedKind> {
  readonly kind: K
  /** The step in few words: for progress, for crash entries of divergences. */
  words(step: StepOf<K>): string
  run(step: StepOf<K>, play: Play): Promise<void>
}

export function defineStep<K extends PlayedKind>(step: StepDefinition<K>): StepDefinition<K> {
  return step
}
