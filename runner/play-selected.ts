/** Plays one selected case on a target: station, play, end. Workers and the main thread share it. */
import type { Suite } from '../dsl/plan.ts'
import { exhaustiveOf, playAll, type Run, trailOf } from './explore.ts'
import { type Played, playCase } from './execute.ts'
import { Play } from './play.ts'
import type { Selected } from './selected.ts'
import { type Target, TargetError } from './targets/target.ts'

export interface PlaySettings {
  readonly sources: Suite['sources']
  readonly seed: number
  readonly timeoutScale: number
  readonly keep: 'none' | 'failed' | 'all'
}

type OnStep = (phase: string, text: string) => void

export async function playSelected(
  selected: Selected,
  target: Target,
  settings: PlaySettings,
  onStep: OnStep,
): Promise<Played> {
  try {
    const play = (run: Run): Promise<Played> => playOnce(selected, target, settings, onStep, run)
    const schedule = exhaustiveOf(selected)
    return schedule === undefined ? await play({}) : await playAll(schedule, play)
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

async function playOnce(
  selected: Selected,
  target: Target,
  settings: PlaySettings,
  onStep: OnStep,
  { order, trail = trailOf(selected, settings.seed) }: Run,
): Promise<Played> {
  const { scenario, profile } = selected
  const capabilities = await target.probe(profile)
  const station = await target.open({
    profile,
    time: scenario.time,
    seed: settings.seed,
    mortal: selected.case.needs.some((need) => need.text === 'target.kill'),
    ...(trail === undefined ? {} : { choose: trail.choose }),
  })
  const play = new Play({
    selected,
    sources: settings.sources,
    station,
    capabilities,
    timeoutScale: settings.timeoutScale,
    onStep,
    ...(order === undefined ? {} : { order }),
    ...(trail === undefined ? {} : { trail }),
  })
  return playCase(play, station, budgetOf(selected, settings.timeoutScale), (failed) =>
    settings.keep === 'all' ? true : settings.keep === 'failed' && failed,
  )
}

/** For a worker: all runs of a case together. */
export function wholeBudgetOf(selected: Selected, timeoutScale: number): number {
  return budgetOf(selected, timeoutScale) * (exhaustiveOf(selected)?.bound ?? 1)
}

export function budgetOf(selected: Selected, timeoutScale: number): number {
  return selected.scenario.budgetMs * timeoutScale
}
