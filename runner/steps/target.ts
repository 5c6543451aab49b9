/** `restart`, `crash` and `advance`: what happens to the target itself, and to its clock. */
import { notBuilt, readDuration, readText, readWord } from '../../dsl/check.ts'
import { TEXT } from '../../dsl/steps/kind.ts'
import { spanOf } from '../../dsl/tree.ts'
import { resolve } from '../../dsl/variables.ts'
import type { Play } from '../play.ts'
import { StepError } from '../step-error.ts'
import { GoneError } from '../session.ts'
import { showExit } from './exit.ts'
import { runAdd } from './add.ts'
import { defineStep } from './step.ts'

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly restart: { readonly kind: 'restart'; readonly how: 'clean' | 'as configured' }
    readonly crash: { readonly kind: 'crash'; readonly how: 'kill' }
    readonly advance: { readonly kind: 'advance'; readonly ns: number }
  }
}

/** Longest real wait that stands in for virtual time. */
const REAL_ADVANCE_NS = 10e9

export const restart = defineStep({
  kind: 'restart',
  written: {
    doc: 'Starts the target again: clean quits it first, as configured replays what was added.',
    schema: { enum: ['clean', 'as configured'] },
    keys: {},
    build(context, { value }) {
      const how = resolve(context, value)
      if (how?.kind === 'map') {
        notBuilt(context, how, 'a restart with options')
        return []
      }
      const word = readWord(context, value, "'restart'", ['clean', 'as configured'], 'restart-how')
      context.fields.needs.infer('target.restart', spanOf(value))
      context.names.restart()
      return word === undefined ? [] : [{ kind: 'restart', how: word }]
    },
  },
  facts: () => ({ notByActors: 'a restart ends the target for everybody' }),
  acts: () => true,
  words: (step) => `restart ${step.how}`,
  async run(step, play) {
    if (play.isRunning) await quit(play)
    await play.images.settle()
    await play.start()
    play.transcript.add({ kind: 'line', label: 'tgt', text: 'start' })
    for (const configured of play.configuration.steps(step.how)) await runAdd(configured, play)
  },
})

const POWER_CUT = /^power-cut\b/

export const crash = defineStep({
  kind: 'crash',
  written: {
    doc: 'Ends the target without a shutdown: kill keeps what reached the host.',
    schema: { enum: ['kill'] },
    keys: {},
    build(context, { value }) {
      const text = readText(context, value, "'crash'")
      if (text === undefined) return []
      if (POWER_CUT.test(text.text)) {
        notBuilt(context, text, 'a power cut')
        return []
      }
      const how = readWord(context, value, "'crash'", ['kill'], 'crash-how')
      context.fields.needs.infer('target.kill', spanOf(value))
      return how === undefined ? [] : [{ kind: 'crash', how }]
    },
  },
  facts: () => ({ notByActors: 'a crash ends the target for everybody' }),
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
  written: {
    doc: 'Moves the virtual clock and runs all that is due.',
    schema: TEXT,
    keys: {},
    build(context, { value }) {
      const ns = readDuration(context, value, "'advance'")
      if (ns === undefined) return []
      if (context.fields.session.time === 'real') {
        context.problem(
          value,
          'no-sleep',
          "in real time 'advance' would be a sleep: wait for a condition",
          { help: 'with time: virtual the clock moves at once' },
        )
      } else {
        context.fields.needs.infer('time.virtual', spanOf(value))
      }
      return [{ kind: 'advance', ns }]
    },
  },
  facts: () => ({ keepsGraph: true, notByActors: 'time is the same for everybody' }),
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
