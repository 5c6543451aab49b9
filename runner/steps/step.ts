/**
 * What a kind of step is, whole: how it is written, what the language must know of it, what it is
 * called and what it does. One file each, listed in `index.ts`. The file also adds the plan of such
 * a step to `StepBodies`.
 */
import type { Step, StepKind, StepOf } from '../../dsl/plan.ts'
import type { StepKindInfo } from '../../dsl/steps/kind.ts'
import type { Play } from '../play.ts'

/** Kinds of the language that only hold or head other steps; the walk over steps does them itself. */
const WALKED = ['phase', 'loop', 'group', 'use', 'together'] as const satisfies StepKind[]

export type PlayedKind = Exclude<StepKind, (typeof WALKED)[number]>
export type PlayedStep = StepOf<PlayedKind>

export function isPlayed(step: Step): step is PlayedStep {
  return !WALKED.some((kind) => kind === step.kind)
}

export interface StepDefinition<K extends PlayedKind = PlayedKind> extends StepKindInfo<K> {
  /** It saves parts of its own answer where that is shown; of others `save` is looked at afterwards. */
  readonly savesAnswer?: true
  /** Such steps of the setup are played before the target starts. */
  readonly beforeStart?: true
  /** The step in few words: for progress, for crash entries of divergences. */
  words(step: StepOf<K>): string
  run(step: StepOf<K>, play: Play): Promise<void>
  /** Whether it may change the target; no by default. */
  acts?(step: StepOf<K>): boolean
  /** Whether it claims what is there after a command, and not only what was replied; no by default. */
  claimsEffect?(step: StepOf<K>): boolean
}

export function defineStep<K extends PlayedKind>(step: StepDefinition<K>): StepDefinition<K> {
  return step
}
