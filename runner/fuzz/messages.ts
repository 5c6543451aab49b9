/** What the main thread and the worker that has the engine tell each other. */
import type { Surroundings } from '../../engine/index.ts'
import type { Template } from './images.ts'
import type { Ending, StepRecord } from './record.ts'
import type { FuzzStep } from './step.ts'

export interface EngineSetup {
  readonly template: Template
  readonly seed: number
  readonly steps: number
  readonly unreadReplies: readonly string[]
  /** Members that are never given, as `OWNER.MEMBER`. */
  readonly undrawn: readonly string[]
  readonly surroundings: Partial<Surroundings>
}

export interface EngineJob {
  /** The folder as the other side has it, so that paths are the same to the letter. */
  readonly directory: string
  /** The sequence to draw, or the steps to play. */
  readonly play: { readonly index: number } | { readonly steps: readonly FuzzStep[] }
}

export type EngineMessage =
  /** Sent before the step is played. */
  | { readonly kind: 'step'; readonly step: FuzzStep }
  | { readonly kind: 'record'; readonly record: StepRecord }
  | { readonly kind: 'end'; readonly ending: Ending }
  | { readonly kind: 'bug'; readonly message: string }
