/** `restart` and `advance`: what happens to the target itself, and to its clock. */
import type { Play } from '../play.ts'
import { StepError } from '../step-error.ts'
import { GoneError } from '../session.ts'
import { showExit } from './exit.ts'
import { runAdd } from './add.ts'
import { defineStep } from './step.ts'

/** Longest real wait that stands in for virtual time. */
const REAL_ADVANCE_NS = 10e9

export const restart = defineStep({
  kind: 'restart',
  words: (step) => `restart ${step.how}`,
  async run(step, play) {
    if (play.isRunning) await quit(play)
    await play.images.settle()
    await play.start()
    play.transcript.add({ kind: 'line', label: 'tgt', text: 'start' })
    for (const configured of play.configuration.steps(step.how)) await runAdd(configured, play)
  },
})

export const crash = defineStep({
  kind: 'crash',
  words: (step) => `crash ${step.how}`,
  async run(step, play) {
    await play.session.fence(play.withinMs)
    play.collectEvents()
    const exit = await play.abandon()
    play.wasKilled = true
    play.transcript.add({
      kind: 'statement',
      label: 'tgt',
      head: `crash ${step.how}`,
      members: {},
      outcome: exit === undefined ? 'gone' : showExit(exit),
      details: [],
    })
  },
})

async function quit(play: Play): Promise<void> {
  await play.hidden.closeAll()
  await play.session.fence(play.withinMs)
  play.collectEvents()
  try {
    await play.ask('quit')
  } catch (error) {
    // The answer may be lost in the end of the target that was asked for.
    if (!(error instanceof GoneError)) throw error
  }
  const exit = await play.ended()
  play.transcript.add({
    kind: 'statement',
    label: 'tgt',
    head: 'quit',
    members: {},
    outcome: showExit(exit),
    details: [],
  })
}

export const advance = defineStep({
  kind: 'advance',
  words: (step) => `advance ${String(step.ns)} ns`,
  async run(step, play) {
    if (play.station.advance !== undefined) {
      await play.station.advance(step.ns)
    } else if (step.ns > REAL_ADVANCE_NS) {
      throw new StepError('a wait of over 10 s in real time', step.span)
    } else {
      await new Promise<void>((resolve) => {
        play.station.host.clock.after(step.ns, resolve)
      })
    }
    play.transcript.add({ kind: 'line', label: 'time', text: `+${showDuration(step.ns)}` })
  },
})

const UNITS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'us'],
] as const

export function showDuration(ns: number): string {
  for (const [factor, unit] of UNITS) {
    if (ns >= factor && ns % (factor / 1000) === 0) return `${String(ns / factor)}${unit}`
  }
  return `${String(ns)}ns`
}
