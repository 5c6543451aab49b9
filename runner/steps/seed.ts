/** `create` and `seed`: images and what they hold before any target starts. */
import { showImageSpec } from '../images.ts'
import { StepError } from '../step-error.ts'
import { needsWriting, ScriptRun } from '../script.ts'
import type { Detail } from '../transcript.ts'
import { defineStep } from './step.ts'
import { scriptContext } from './subject.ts'
import { toolText } from './img.ts'

export const create = defineStep({
  kind: 'create',
  words: (step) => `img create ${step.image.name}`,
  async run(step, play) {
    const result = await play.images.create(step.image)
    const failed = result.status !== 0
    const text = failed ? toolText(play, result) : ''
    play.transcript.add({
      kind: 'statement',
      label: 'img',
      ...showImageSpec(step.image),
      outcome: failed ? `exit ${String(result.status)}` : 'ok',
      details: failed ? [{ kind: 'text', text } satisfies Detail] : [],
    })
    if (failed)
      throw new StepError(`cannot make image '${step.image.name}': ${text}`, step.image.span)
  },
})

export const seed = defineStep({
  kind: 'seed',
  words: (step) => `seed ${step.image}`,
  async run(step, play) {
    const { lines } = step.script
    const subject = { kind: 'img', name: step.image, span: step.span } as const
    await play.images.withDevice(step.image, step.as, needsWriting(lines), step.span, (device) =>
      new ScriptRun(scriptContext(play, 'seed', subject), device, []).play(lines),
    )
  },
})
