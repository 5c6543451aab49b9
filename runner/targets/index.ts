/** From a target's name to a target that plays. */
import type { Target, TargetSpec } from './target.ts'

export interface TargetSettings {
  /** The user said that a running target may be changed. */
  readonly owned: boolean
  readonly timeoutScale: number
}

/** Cached by the spec's text: a target is probed once. */
export declare function createTarget(spec: TargetSpec, settings?: TargetSettings): Target
/** The folder of a known implementation: target.yaml and divergences.yaml lie in it. */
export declare function targetFolder(known: string): string
