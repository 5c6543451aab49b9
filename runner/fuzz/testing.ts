/** For tests: sequences drawn and played on the engine alone, from images that are all zeroes unless asked. */
import { createTarget } from '../targets/index.ts'
import { Generator } from './generator.ts'
import { baseCase, IMAGES, makeTemplate, type Template } from './images.ts'
import type { Ending, StepRecord } from './record.ts'
import { FuzzSchema } from './schema.ts'
import { playSide, type StepSource } from './side.ts'
import type { FuzzStep } from './step.ts'

const engine = createTarget({ kind: 'engine', text: 'engine' }, { owned: false, timeoutScale: 1 })

const BLANK: Template = {
  directory: '/blockspec',
  files: IMAGES.map(({ name }) => ({ name, bytes: 1 << 20, blocks: [] })),
}

export interface Drawn {
  readonly steps: readonly FuzzStep[]
  readonly records: readonly StepRecord[]
  readonly ending: Ending
}

export async function engineSchema(): Promise<FuzzSchema> {
  return new FuzzSchema((await engine.probe()).schema)
}

/** Draws a sequence while it is played. */
export async function drawSequence(
  seed: number,
  index: number,
  steps = 12,
  template = BLANK,
): Promise<Drawn> {
  const generator = new Generator({ schema: await engineSchema(), seed, index, steps })
  const drawn: FuzzStep[] = []
  const source: StepSource = {
    next: () => {
      const step = generator.next()
      if (step !== undefined) drawn.push(step)
      return step
    },
    seen: (step, record, queried) => {
      if (record.accepted) generator.state.note(step)
      if (queried !== undefined) generator.state.see(queried)
    },
  }
  return playOn(drawn, source, template)
}

/** Plays steps that are there already. */
export function playSteps(steps: readonly FuzzStep[], template = BLANK): Promise<Drawn> {
  let at = 0
  const source: StepSource = {
    next: () => {
      at += 1
      return steps[at - 1]
    },
  }
  return playOn(steps, source, template)
}

/** The images as sequences have them, made by our own tool. */
export function engineTemplate(): Promise<Template> {
  return makeTemplate(engine)
}

async function playOn(
  steps: readonly FuzzStep[],
  source: StepSource,
  template = BLANK,
): Promise<Drawn> {
  const records: StepRecord[] = []
  const ending = await playSide(source, {
    station: await engine.open({ profile: 'qemu', time: 'virtual', seed: 1 }),
    selected: baseCase(),
    capabilities: await engine.probe(),
    template,
    timeoutScale: 1,
    unreadReplies: new Set(),
    onRecord: (_step, record) => {
      records.push(record)
    },
    isStopped: () => false,
  })
  return { steps, records, ending }
}
