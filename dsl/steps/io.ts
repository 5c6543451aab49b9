/** `io` and `verify`: requests, and claims about content. */
import { readMap, readScalar, readText, readWord } from '../check.ts'
import type { Context } from '../context.ts'
import { makeScript, makeWantOf } from '../io.ts'
import type { Channel, StepBody, Subject } from '../plan.ts'
import { makeSubject } from '../subject.ts'
import { find, spanOf, type ScalarNode } from '../tree.ts'
import { fillText } from '../variables.ts'
import { defineStep, TEXT, type StepInput } from './kind.ts'

const CHANNELS = ['nbd', 'hmp', 'device', 'direct', 'tool'] as const satisfies readonly Channel[]

export const io = defineStep({
  doc: 'Requests to a node, nbd:EXPORT or img:IMAGE; the script stands under do.',
  schema: TEXT,
  keys: {
    do: { doc: 'I/O script, one statement a line.', schema: TEXT },
    via: { doc: 'Channel: nbd, hmp, device, direct or tool.', schema: { enum: CHANNELS } },
  },
  build: buildIo,
})

function buildIo(context: Context, { map, value }: StepInput): readonly StepBody[] {
  const name = readText(context, value, "'io'")
  const entry = find(map, 'do')
  if (entry === undefined) {
    context.problem(value, 'missing-key', "an io step needs its script under 'do'")
    return []
  }
  const text = readScalar(context, entry.value, "'do'")
  const script =
    text === undefined ? undefined : makeScript(context, text, { subject: name?.text ?? '' })
  const lines = script?.lines ?? []
  // A script that only claims to be refused may well name what does not exist.
  const mayMiss = lines.length > 0 && lines.every(({ outcome }) => outcome.kind === 'refused')
  const subject = name === undefined ? undefined : makeSubject(context, name, mayMiss)
  const viaNode = find(map, 'via')?.value
  const via =
    viaNode === undefined
      ? undefined
      : readWord(context, viaNode, "'via'", CHANNELS, 'unknown-channel')
  if (via !== undefined && viaNode !== undefined)
    context.fields.needs.infer(`via.${via}`, spanOf(viaNode))
  if (subject === undefined || script === undefined) return []
  return [{ kind: 'io', subject, ...(via === undefined ? {} : { via }), script }]
}

export const verify = defineStep({
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
})

function verifyStep(context: Context, subject: Subject | undefined, text: ScalarNode): StepBody[] {
  const want = makeWantOf(context, text)
  if (want === undefined || subject === undefined) return []
  context.claim(spanOf(text), false)
  return [{ kind: 'verify', subject, want: want.want }]
}
