/** `verify`: a claim about everything that a node or image holds. */
import { readMap, readScalar } from '../../dsl/check.ts'
import type { Context } from '../../dsl/context.ts'
import { makeWantOf } from '../../dsl/io.ts'
import type { VerifyWant } from '../../dsl/plan-io.ts'
import type { StepBody, Subject } from '../../dsl/plan.ts'
import { makeSubject } from '../../dsl/subject.ts'
import { type ScalarNode, spanOf } from '../../dsl/tree.ts'
import { fillText } from '../../dsl/variables.ts'
import { BlockError } from '../../engine/client.ts'
import { LARGEST } from '../content.ts'
import { showNumber } from '../notation.ts'
import { StepError } from '../step-error.ts'
import { defineStep } from './step.ts'
import { showSubject, verifyDevice, withSubject } from './subject.ts'

interface VerifyStep {
  readonly kind: 'verify'
  readonly subject: Subject
  readonly want: VerifyWant
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly verify: VerifyStep
  }
}

export const verify = defineStep({
  kind: 'verify',
  written: {
    doc: 'Claims about the whole content: {subject: extents}, or {subject: same as other}.',
    schema: { type: 'object', additionalProperties: { type: 'string' } },
    keys: {},
    build(context, { value }) {
      const map = readMap(context, value, "'verify'")
      return (
        map?.entries.flatMap((entry): StepBody[] => {
          const name = fillText(context, entry.key)
          const subject = name === undefined ? undefined : makeSubject(context, name)
          const text = readScalar(context, entry.value, 'a claim about content')
          return text === undefined ? [] : verifyStep(context, subject, text)
        }) ?? []
      )
    },
  },
  facts: ({ subject, want }) => ({
    subject,
    ...(want.kind === 'same' ? {} : { touches: subject }),
    changes: false,
    keepsGraph: true,
  }),
  words: (step) => `verify ${step.subject.name}`,
  async run(step, play) {
    const subject = showSubject(step.subject, play.atRest)
    await withSubject(play, step.subject, { write: false }, async (reached) => {
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
  claimsEffect: () => true,
})

function verifyStep(context: Context, subject: Subject | undefined, text: ScalarNode): StepBody[] {
  const want = makeWantOf(context, text)
  if (want === undefined || subject === undefined) return []
  context.claim(spanOf(text), false)
  return [{ kind: 'verify', subject, want: want.want }]
}
