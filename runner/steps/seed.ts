/** `create` and `seed`: images and what they hold before any target starts. */
import { checkKeys, type KeyInfo, missingKey, readScalar, readText } from '../../dsl/check.ts'
import type { Context } from '../../dsl/context.ts'
import { makeImage } from '../../dsl/image.ts'
import { makeScript } from '../../dsl/io.ts'
import type { IoScript } from '../../dsl/plan-io.ts'
import type { StepBody } from '../../dsl/plan.ts'
import { checkName } from '../../dsl/subject.ts'
import { type Entry, find, spanOf } from '../../dsl/tree.ts'
import { fillText, resolve } from '../../dsl/variables.ts'
import { showImageSpec } from '../images.ts'
import { StepError } from '../step-error.ts'
import { needsWriting, ScriptRun } from '../script.ts'
import type { Detail } from '../transcript.ts'
import { defineStep } from './step.ts'
import { scriptContext } from './subject.ts'
import { toolText } from './img/output.ts'

interface SeedStep {
  readonly kind: 'seed'
  readonly image: string
  readonly as?: string
  readonly script: IoScript
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly create: { readonly kind: 'create'; readonly image: ImageSpec }
    readonly seed: SeedStep
  }
}

export const create = defineStep({
  kind: 'create',
  section: { name: 'images', build: buildCreate },
  facts: ({ image }) => ({ image }),
  beforeStart: true,
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
  section: { name: 'seed', build: buildSeed },
  beforeStart: true,
  words: (step) => `seed ${step.image}`,
  async run(step, play) {
    const { lines } = step.script
    const subject = { kind: 'img', name: step.image, span: step.span } as const
    await play.images.withDevice(step.image, step.as, needsWriting(lines), step.span, (device) =>
      new ScriptRun(scriptContext(play, 'seed', subject), device, []).play(lines),
    )
  },
})

function buildCreate(context: Context, entry: Entry): StepBody | undefined {
  const name = fillText(context, entry.key)
  if (name === undefined) return undefined
  const image = makeImage(context, name.text, entry.value)
  context.names.add('image', name.text, spanOf(entry.key))
  if (image === undefined) return undefined
  context.fields.needs.infer(`fmt.${image.format}`, image.span)
  return { kind: 'create', image }
}

const SEED_KEYS: Readonly<Record<string, KeyInfo>> = {
  as: { doc: 'Format to open the image as; raw writes to the bare file.' },
  do: { doc: 'I/O script.' },
}

function buildSeed(context: Context, entry: Entry): StepBody | undefined {
  const name = fillText(context, entry.key)
  const value = resolve(context, entry.value)
  if (name === undefined || value === undefined) return undefined
  checkName(context, name, spanOf(name), 'image', name.text)
  const map = value.kind === 'map' ? value : undefined
  if (map !== undefined) checkKeys(context, map, SEED_KEYS, 'a seed')
  const scriptNode = map === undefined ? value : find(map, 'do')?.value
  if (scriptNode === undefined) {
    if (map === undefined) return undefined
    missingKey(context, map, {
      key: 'do',
      table: SEED_KEYS,
      message: "a seed needs its script under 'do'",
    })
    return undefined
  }
  const asNode = map === undefined ? undefined : find(map, 'as')?.value
  const format = asNode === undefined ? undefined : readText(context, asNode, "'as'")?.text
  const text = readScalar(context, scriptNode, 'a seed')
  if (text === undefined) return undefined
  const script = makeScript(context, text, { subject: `img:${name.text}` })
  return { kind: 'seed', image: name.text, ...(format === undefined ? {} : { as: format }), script }
}
