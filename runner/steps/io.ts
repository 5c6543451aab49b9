/** `io`: a script on a node, an export of the scenario, or an image. */
import type { IoStep } from '../../dsl/plan.ts'
import { StepError } from '../step-error.ts'
import { needsWriting, reportLine, ScriptRun } from '../script.ts'
import { defineStep } from './step.ts'
import { scriptContext, withSubject } from './subject.ts'

/** Channels that lead to the same node as NBD does. */
const BUILT: readonly (IoStep['via'] | undefined)[] = [undefined, 'nbd']

export const io = defineStep({
  kind: 'io',
  words: (step) => `io ${step.subject.name}`,
  async run(step, play) {
    if (!BUILT.includes(step.via)) {
      throw new StepError(`via ${step.via ?? ''} is not built yet`, step.span)
    }
    const { lines } = step.script
    const context = scriptContext(play, 'io', step.subject)
    await withSubject(play, step.subject, needsWriting(lines), async (reached) => {
      if ('refused' in reached) {
        for (const line of lines)
          reportLine(context, line, { kind: 'refused', text: reached.refused })
        return
      }
      await new ScriptRun(context, reached.device, reached.flights).play(lines)
    })
  },
})
