/** `expect-log`: a claim about what the target has printed for people since it started. */
import { makeClaim } from '../../dsl/claim.ts'
import type { Claim } from '../../dsl/plan-claims.ts'
import { isNull, spanOf } from '../../dsl/tree.ts'
import type { Play } from '../play.ts'
import { defineStep } from './step.ts'

interface ExpectLogStep {
  readonly kind: 'expect-log'
  /** Of the lines. Absent: none of them looks like a bug of the target. */
  readonly returns?: Claim
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly 'expect-log': ExpectLogStep
  }
}

/** What assertions and sanitizers print. */
const BUG =
  /Assertion .* failed|assertion failed|runtime error: |(?:Address|Leak|Memory|Thread)Sanitizer/

/** What a program of QEMU, or the engine as one, puts before its messages: its own name. */
const PROGRAM = /^(?:qemu-[a-z0-9-]+(?:_[a-z0-9]+)?|blockspec storage-daemon): /

/** What it says of an option that the runner, and no scenario, has put on its command line. */
const OF_THE_RUNNER = /^-(?:mon|chardev) \S*\bblockspec\b/

export const expectLog = defineStep({
  kind: 'expect-log',
  written: {
    doc: 'Claim about the lines that the target has printed: ~ has [/regex/]; without one, that none looks like a bug.',
    schema: {},
    keys: {},
    build(context, { value }) {
      context.fields.needs.infer('target.log', spanOf(value))
      if (isNull(value)) {
        context.claim(spanOf(value), false)
        return [{ kind: 'expect-log' }]
      }
      const returns = makeClaim(context, value)
      return returns === undefined ? [] : [{ kind: 'expect-log', returns }]
    },
  },
  facts: () => ({ keepsGraph: true }),
  words: () => 'expect-log',
  async run(step, play) {
    const lines = await linesOf(play)
    if (step.returns !== undefined) {
      play.check(step.returns, lines)
      return
    }
    for (const line of lines.filter((text) => BUG.test(text))) {
      play.blame('claim', { span: step.span, message: `the target printed: ${line}` })
    }
  },
})

/** Without the names of programs, which are each target's own. */
async function linesOf(play: Play): Promise<readonly string[]> {
  // What was printed before the first answer has been read when the second one comes.
  for (let fences = 0; fences < 2; fences++) await play.fence()
  return play
    .log()
    .split('\n')
    .map((line) => line.replace(PROGRAM, ''))
    .filter((line) => line !== '' && !OF_THE_RUNNER.test(line))
}
