/** Images, their first content, objects, nodes and exports: the steps before the steps. */
import {
  checkKeys,
  missingKey,
  readMap,
  readScalar,
  readText,
  shorten,
  wrongType,
  type KeyInfo,
} from './check.ts'
import type { Context } from './context.ts'
import { makeImage } from './image.ts'
import { makeScript } from './io.ts'
import type { AddStep, Expectation, Step, StepBody } from './plan.ts'
import { makeAdd } from './steps/add.ts'
import { checkName } from './subject.ts'
import { find, spanOf, type Entry, type MapNode } from './tree.ts'
import { fillText, resolve } from './variables.ts'

/** In the order of the sections: images, seeds, objects, nodes, exports. */
export function makeSetup(context: Context, scenario: MapNode): readonly Step[] {
  return [
    ...section(context, scenario, 'images', createStep),
    ...section(context, scenario, 'seed', seedStep),
    ...section(context, scenario, 'objects', (inner, entry) => addStep(inner, 'object', entry)),
    ...section(context, scenario, 'nodes', (inner, entry) => addStep(inner, 'node', entry)),
    ...section(context, scenario, 'exports', (inner, entry) => addStep(inner, 'export', entry)),
  ]
}

function section(
  context: Context,
  scenario: MapNode,
  name: string,
  make: (context: Context, entry: Entry) => StepBody | undefined,
): Step[] {
  const value = find(scenario, name)?.value
  const map = value === undefined ? undefined : readMap(context, value, `'${name}'`)
  return (
    map?.entries.flatMap((entry): Step[] => {
      if (!isUsableName(context, entry)) return []
      const body = make(context, entry)
      const { source, start } = entry.key
      return body === undefined
        ? []
        : [{ span: source.span(start, entry.value.end), golden: true, ...body }]
    }) ?? []
  )
}

/** Names that can be written everywhere a name can be written. */
function isUsableName(context: Context, entry: Entry): boolean {
  const name = fillText(context, entry.key)
  if (name === undefined) return false
  if (/^[A-Za-z_][\w.-]*$/.test(name.text)) return true
  context.problem(entry.key, 'bad-name', `'${shorten(name.text)}' can not be a name here`, {
    help: 'names are letters, digits, _ . and -',
  })
  return false
}

function createStep(context: Context, entry: Entry): StepBody | undefined {
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

function seedStep(context: Context, entry: Entry): StepBody | undefined {
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

function addStep(context: Context, kind: AddStep['kind'], entry: Entry): AddStep | undefined {
  if (entry.value.kind === 'scalar' && entry.value.text === 'gone') {
    wrongType(
      context,
      entry.value,
      `${kind} '${entry.name}'`,
      'a map of options',
      'gone is for steps',
    )
    return undefined
  }
  const expect: Expectation = { kind: 'ok', span: spanOf(entry.key), written: false }
  return makeAdd(context, kind, entry, { expect }, true)
}
