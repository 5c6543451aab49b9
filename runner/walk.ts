/** Walks the steps of a case: phases, loops, conditions and fragments, and each played step in turn. */
import type { LoopStep, Step, StepCommon } from '../dsl/plan.ts'
import { playTogether } from './actors.ts'
import type { Play } from './play.ts'
import { definitionOf } from './steps/index.ts'
import { saveBeside } from './steps/save.ts'
import type { PlayedStep } from './steps/step.ts'

export async function walk(steps: readonly Step[], play: Play): Promise<void> {
  for (const step of steps) await walkStep(step, play)
}

/**
 * Plays one step. What only the target decides leaves no line, so that goldens stay comparable, and
 * neither do the steps inside one that is to leave none.
 */
export async function walkStep(step: Step, play: Play): Promise<void> {
  const isDecided = step.when === undefined || step.when.kind === 'constant'
  if (isDecided && step.golden) return walkDecided(step, play)
  // The condition of a group chooses between its branches.
  const skipped = step.kind !== 'group' && step.when !== undefined && !play.holds(step.when)
  if (skipped) return
  const { recording } = play.transcript
  play.transcript.recording = false
  try {
    await walkDecided(step, play)
  } finally {
    play.transcript.recording = recording
  }
}

async function walkDecided(step: Step, play: Play): Promise<void> {
  switch (step.kind) {
    case 'phase':
      play.takeEvents()
      play.transcript.begin(step.title)
      return
    case 'group':
      return walkInside(step, play, () =>
        walk(play.holds(step.when) ? step.then : step.otherwise, play),
      )
    case 'use':
      return walkInside(step, play, () => walk(step.steps, play))
    case 'loop':
      return walkInside(step, play, () => walkLoop(step, play))
    case 'together':
      await playTogether(step, play, walkStep)
      return saveBeside(play, step.save)
    default:
      return playStep(step, play)
  }
}

async function walkInside(step: StepCommon, play: Play, work: () => Promise<void>): Promise<void> {
  await play.around(step, work)
  await saveBeside(play, step.save)
}

async function walkLoop(step: LoopStep & StepCommon, play: Play): Promise<void> {
  const outer = play.transcript.repeats
  const repeats = new Map<string, string>()
  const long = new Set(
    step.turns.flatMap((turn) =>
      turn.variables.flatMap(({ name, value }) =>
        typeof value === 'string' && value.includes('\n') ? [name] : [],
      ),
    ),
  )
  for (const turn of step.turns) {
    // Whole scripts are told by the lines that they become.
    const shown = turn.variables.filter(({ name }) => !long.has(name))
    const text = shown.map(({ name, text: value }) => `${name}=${value}`).join(' ')
    play.transcript.add({ kind: 'turn', text: text === '' ? '.' : text })
    play.transcript.repeats = { seen: repeats, next: 0 }
    await walk(turn.steps, play)
  }
  play.transcript.repeats = outer
  play.transcript.endLoop()
}

async function playStep(step: PlayedStep, play: Play): Promise<void> {
  const definition = definitionOf(step)
  await play.step(step, definition.words(step), async () => {
    await definition.run(step, play)
    if (definition.savesAnswer !== true) await saveBeside(play, step.save)
  })
}
