/** `verify`: a claim about everything that a node or image holds. */
import { BlockError } from '../../engine/index.ts'
import { LARGEST } from '../content.ts'
import { showNumber } from '../notation.ts'
import { StepError } from '../step-error.ts'
import { defineStep } from './step.ts'
import { showSubject, verifyDevice, withSubject } from './subject.ts'

export const verify = defineStep({
  kind: 'verify',
  words: (step) => `verify ${step.subject.name}`,
  async run(step, play) {
    const subject = showSubject(step.subject, play.atRest)
    await withSubject(play, step.subject, false, async (reached) => {
      if ('refused' in reached) {
        play.transcript.add({ kind: 'data', subject, words: ['refused'] })
        play.blame('claim', { span: step.subject.span, message: `refused: ${reached.refused}` })
        return
      }
      if (reached.device.size > LARGEST) {
        const message = `a disk of ${showNumber(reached.device.size)} is too large to verify`
        throw new StepError(message, step.subject.span)
      }
      try {
        const work = verifyDevice(play, reached.device, step.want, step.span)
        const result = await play.limit(work, 'reading everything')
        play.transcript.add({ kind: 'data', subject, words: result.words })
        for (const mismatch of result.mismatches) play.blame('claim', mismatch)
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        play.transcript.add({ kind: 'data', subject, words: [`unreadable`, error.errno] })
        play.blame('claim', {
          span: step.subject.span,
          message: `reading fails with ${error.errno}`,
        })
      }
    })
  },
})
