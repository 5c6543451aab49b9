/** `io`: a script on a node, an export of the scenario, or an image. */
import { readWord } from '../../dsl/check.ts'
import type { Context } from '../../dsl/context.ts'
import { makeScript } from '../../dsl/io.ts'
import type { IoLine, IoScript } from '../../dsl/plan-io.ts'
import type { StepBody, Subject } from '../../dsl/plan.ts'
import { type StepInput, TEXT } from '../../dsl/steps/kind.ts'
import { makeSubject } from '../../dsl/subject.ts'
import { find, spanOf } from '../../dsl/tree.ts'
import { StepError } from '../step-error.ts'
import { needsWriting, reportLine, ScriptRun } from '../script.ts'
import { readScriptForm } from './script-form.ts'
import { defineStep } from './step.ts'
import { scriptContext, withSubject } from './subject.ts'

const CHANNELS = ['nbd', 'hmp', 'device', 'direct', 'tool'] as const

interface IoStep {
  readonly kind: 'io'
  readonly subject: Subject
  readonly via?: (typeof CHANNELS)[number]
  readonly script: IoScript
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly io: IoStep
  }
}

/** Channels that lead to the same node as NBD does. */
const BUILT: readonly (IoStep['via'] | undefined)[] = [undefined, 'nbd']

export const io = defineStep({
  kind: 'io',
  written: {
    doc: 'Requests to a node, nbd:EXPORT or img:IMAGE; the script stands under do.',
    schema: TEXT,
    keys: {
      do: { doc: 'I/O script, one statement a line.', schema: TEXT },
      via: { doc: 'Channel: nbd, hmp, device, direct or tool.', schema: { enum: CHANNELS } },
    },
    build: buildIo,
  },
  facts: ({ subject, script: { lines } }) => ({
    subject,
    requests: lines,
    touches: subject,
    changes: lines.some(changesContent),
    keepsGraph: true,
  }),
  words: (step) => `io ${step.subject.name}`,
  async run(step, play) {
    if (!BUILT.includes(step.via)) {
      throw new StepError(`via ${step.via ?? ''} is not built yet`, step.span)
    }
    const { lines } = step.script
    const context = scriptContext(play, 'io', step.subject)
    const access = { write: needsWriting(lines), leavesRequests: lines.some(isAsync) }
    await withSubject(play, step.subject, access, async (reached) => {
      if ('refused' in reached) {
        for (const line of lines)
          reportLine(context, line, { kind: 'refused', text: reached.refused })
        return
      }
      await new ScriptRun(context, reached.device, reached.flights).play(lines)
    })
  },
  claimsEffect: ({ script }) => script.lines.some(readsBytes),
})

/** Whether requests are sent that the step need not wait for, or were before. */
function isAsync({ statement }: IoLine): boolean {
  return statement.kind === 'await' || (statement.kind === 'rw' && statement.async)
}

function changesContent({ statement }: IoLine): boolean {
  if (statement.kind === 'rw') return statement.write || statement.async
  return statement.kind !== 'map' && statement.kind !== 'verify'
}

function readsBytes({ statement, outcome }: IoLine): boolean {
  const reads = statement.kind === 'rw' && !statement.write && statement.pattern !== undefined
  return reads || statement.kind === 'verify' || outcome.written
}

function buildIo(context: Context, input: StepInput): readonly StepBody[] {
  const form = readScriptForm(context, input, 'io')
  if (form === undefined) return []
  const { name, script: text } = form
  const script =
    text === undefined ? undefined : makeScript(context, text, { subject: name?.text ?? '' })
  const lines = script?.lines ?? []
  // A script that only claims to be refused may well name what does not exist.
  const mayMiss = lines.length > 0 && lines.every(({ outcome }) => outcome.kind === 'refused')
  const subject = name === undefined ? undefined : makeSubject(context, name, mayMiss)
  const viaNode = find(input.map, 'via')?.value
  const via =
    viaNode === undefined
      ? undefined
      : readWord(context, viaNode, "'via'", CHANNELS, 'unknown-channel')
  if (via !== undefined && viaNode !== undefined)
    context.fields.needs.infer(`via.${via}`, spanOf(viaNode))
  if (subject === undefined || script === undefined) return []
  return [{ kind: 'io', subject, ...(via === undefined ? {} : { via }), script }]
}
