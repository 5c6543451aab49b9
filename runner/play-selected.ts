/** Plays one selected case on a target: station, play, end. Workers and the main thread share it. */
import type { Suite } from '../dsl/plan.ts'
import { type Played, playCase } from './execute.ts'
import { Play } from './play.ts'
import type { Selected } from './suite.ts'
import { type Target, TargetError } from './targets/target.ts'

export interface PlaySettings {
  readonly sources: Suite['sources']
  readonly seed: number
  readonly timeoutScale: number
  readonly keep: 'none' | 'failed' | 'all'
}

export async function playSelected(
  selected: Selected,
  target: Target,
  settings: PlaySettings,
  onStep: (phase: string, text: string) => void,
): Promise<Played> {
  const { scenario, profile } = selected
  try {
    const capabilities = await target.probe()
    const station = await target.open({ profile, time: scenario.time, seed: settings.seed })
    const play = new Play({
      selected,
      sources: settings.sources,
      station,
      capabilities,
      timeoutScale: settings.timeoutScale,
      onStep,
    })
    return await playCase(play, station, budgetOf(selected, settings.timeoutScale), (failed) =>
      settings.keep === 'all' ? true : settings.keep === 'failed' && failed,
    )
  } catch (error) {
    if (!(error instanceof TargetError)) throw error
    return {
      end: 'error',
      transcript: '',
      phases: [],
      failures: [{ code: 'target', message: error.message, phase: '' }],
      failedSteps: [],
      normalised: {},
    }
  }
}

export function budgetOf(selected: Selected, timeoutScale: number): number {
  return selected.scenario.budgetMs * timeoutScale
}
