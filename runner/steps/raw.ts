/** `raw`: bytes sent as they are, for input that no client should send. */
import { readText } from '../../dsl/check.ts'
import { makeAnswer } from '../../dsl/expectation.ts'
import type { Claim, Expectation } from '../../dsl/plan-claims.ts'
import { ANSWER_KEYS, TEXT } from '../../dsl/steps/kind.ts'
import { show, shown, showString } from '../notation.ts'
import type { Reply } from '../session.ts'
import type { Detail } from '../transcript.ts'
import { showDetails, showOutcome } from './command.ts'
import { saveBeside } from './save.ts'
import { defineStep } from './step.ts'

/** Bytes sent as they are: for malformed input. */
export interface RawStep {
  readonly kind: 'raw'
  readonly text: string
  readonly expect: Expectation
  readonly returns?: Claim
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly raw: RawStep
  }
}

export const raw = defineStep({
  kind: 'raw',
  savesAnswer: true,
  written: {
    doc: 'Sends text as it is: for malformed input.',
    schema: TEXT,
    keys: ANSWER_KEYS,
    build(context, { map, value }) {
      const text = readText(context, value, "'raw'")
      const answer = makeAnswer(context, map)
      return text === undefined ? [] : [{ kind: 'raw', text: text.text, ...answer }]
    },
  },
  acts: () => true,
  words: () => 'qmp raw',
  async run(step, play) {
    await play.hidden.hide('nbd-server')
    const replies = await play.session.raw(step.text, play.withinMs)
    const [first, ...more] = replies
    const extra = more.flatMap((reply): Detail[] => [
      { kind: 'line', text: `=> ${showOutcome(reply)}` },
      ...idDetails(reply),
      ...showDetails(play, 'raw', reply),
    ])
    play.transcript.add({
      kind: 'statement',
      label: 'qmp',
      head: `raw ${showString(step.text)}`,
      members: {},
      outcome: first === undefined ? 'silence' : showOutcome(first),
      details: [
        ...(first === undefined ? [] : [...idDetails(first), ...showDetails(play, 'raw', first)]),
        ...extra,
      ],
    })
    if (first === undefined) {
      if (step.expect.kind !== 'any') {
        play.blame('reply', { span: step.expect.span, message: 'expected a reply, got none' })
      }
      return
    }
    play.judge(first, step.expect)
    if (first.kind === 'return') play.last = first.value
    if (step.returns !== undefined) {
      play.check(step.returns, first.kind === 'return' ? first.value : undefined)
    }
    if (first.kind === 'return') await saveBeside(play, step.save)
  },
})

/** An id that came back is shown; that is all that can be said about it. */
function idDetails({ id }: Reply): readonly Detail[] {
  return id === undefined ? [] : [{ kind: 'line', text: `id=${show(shown(id))}` }]
}
