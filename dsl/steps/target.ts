/** `restart`, `schema`, `save`: steps about the target and what it says about itself. */
import {
  checkKeys,
  readBoolean,
  readMap,
  readText,
  readWord,
  type KeyInfo,
  notBuilt,
} from '../check.ts'
import { makeClaim } from '../claim.ts'
import type { Context } from '../context.ts'
import { makeAnswer } from '../expectation.ts'
import { makeSaves } from '../save.ts'
import type { Claim, SchemaStep, StepBody } from '../plan.ts'
import { find, spanOf, type MapNode } from '../tree.ts'
import { resolve } from '../variables.ts'
import { ANSWER_KEYS, defineStep, TEXT, type StepInput } from './kind.ts'

export const restart = defineStep({
  doc: 'Starts the target again: clean quits it first, as configured replays what was added.',
  schema: { enum: ['clean', 'as configured'] },
  keys: {},
  build(context, { value }) {
    const how = resolve(context, value)
    if (how?.kind === 'map') {
      notBuilt(context, how, 'a restart with options')
      return []
    }
    const word = readWord(context, value, "'restart'", ['clean', 'as configured'], 'restart-how')
    context.fields.needs.infer('target.restart', spanOf(value))
    context.names.restart()
    return word === undefined ? [] : [{ kind: 'restart', how: word }]
  },
})

const POWER_CUT = /^power-cut\b/

export const crash = defineStep({
  doc: 'Ends the target without a shutdown: kill keeps what reached the host.',
  schema: { enum: ['kill'] },
  keys: {},
  build(context, { value }) {
    const text = readText(context, value, "'crash'")
    if (text === undefined) return []
    if (POWER_CUT.test(text.text)) {
      notBuilt(context, text, 'a power cut')
      return []
    }
    const how = readWord(context, value, "'crash'", ['kill'], 'crash-how')
    context.fields.needs.infer('target.kill', spanOf(value))
    return how === undefined ? [] : [{ kind: 'crash', how }]
  },
})

export const save = defineStep({
  doc: 'Names parts of a reply: {name: path}; `return` claims what they are.',
  schema: { type: 'object', additionalProperties: TEXT },
  keys: { return: { doc: 'Claim about the saved value.', schema: {} }, by: ANSWER_KEYS.by },
  build(context, { map, value }) {
    const items = makeSaves(context, value)
    const { returns } = makeAnswer(context, map)
    return [{ kind: 'save', items, ...(returns === undefined ? {} : { returns }) }]
  },
})

const SCHEMA_KEYS: Readonly<Record<string, KeyInfo>> = {
  command: { doc: 'Name of a command.' },
  event: { doc: 'Name of an event.' },
  type: { doc: 'Name of a type.' },
  arg: { doc: 'Name of one of its arguments.' },
  features: { doc: 'Claim about the feature list.' },
  return: { doc: 'Claim about what introspection says.' },
  present: { doc: 'Whether it exists at all.' },
}

export const schema = defineStep({
  doc: 'Claims about introspection: {command: NAME, arg: NAME, features: …}.',
  schema: { type: 'object' },
  keys: {},
  build: buildSchema,
})

function buildSchema(context: Context, { value }: StepInput): readonly StepBody[] {
  const map = readMap(context, value, "'schema'")
  if (map === undefined) return []
  checkKeys(context, map, SCHEMA_KEYS, 'a schema step')
  const of = schemaSubject(context, map)
  if (of === undefined) return []
  const presentNode = find(map, 'present')?.value
  const present =
    presentNode === undefined ? true : (readBoolean(context, presentNode, "'present'") ?? true)
  const claims = {
    features: claimOf(context, map, 'features'),
    returns: claimOf(context, map, 'return'),
  }
  if (presentNode !== undefined) context.claim(spanOf(presentNode), !present)
  if (!present && (claims.features !== undefined || claims.returns !== undefined)) {
    context.problem(map, 'schema-absent', 'what is absent has no features and returns nothing')
  }
  const argument = 'argument' in of ? ` arg ${of.argument ?? ''}` : ''
  return [
    {
      kind: 'schema',
      of,
      present,
      ...(claims.features === undefined ? {} : { features: claims.features }),
      ...(claims.returns === undefined ? {} : { returns: claims.returns }),
      text: `${of.kind} ${of.name}${argument}${present ? '' : ' absent'}`,
    },
  ]
}

function claimOf(context: Context, map: MapNode, name: string): Claim | undefined {
  const entry = find(map, name)
  return entry === undefined ? undefined : makeClaim(context, entry.value)
}

function schemaSubject(context: Context, map: MapNode): SchemaStep['of'] | undefined {
  const subjects = (['command', 'event', 'type'] as const).filter(
    (kind) => find(map, kind) !== undefined,
  )
  const [kind, second] = subjects
  if (kind === undefined || second !== undefined) {
    context.problem(
      map,
      'schema-subject',
      "a schema step is about one 'command', 'event' or 'type'",
    )
    return undefined
  }
  const name = textAt(context, map, kind)
  if (name === undefined) return undefined
  const argument = textAt(context, map, 'arg')
  if (kind === 'type') return { kind, name }
  return { kind, name, ...(argument === undefined ? {} : { argument }) }
}

function textAt(context: Context, map: MapNode, name: string): string | undefined {
  const entry = find(map, name)
  return entry === undefined ? undefined : readText(context, entry.value, `'${name}'`)?.text
}
