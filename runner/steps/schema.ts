/** `schema`: claims about what the target's introspection says. */
import { checkKeys, type KeyInfo, readBoolean, readMap, readText } from '../../dsl/check.ts'
import { makeClaim } from '../../dsl/claim.ts'
import type { Context } from '../../dsl/context.ts'
import type { Claim } from '../../dsl/plan-claims.ts'
import type { StepBody, Value } from '../../dsl/plan.ts'
import type { StepInput } from '../../dsl/steps/kind.ts'
import { find, type MapNode, spanOf } from '../../dsl/tree.ts'
import { show } from '../notation.ts'
import type { Play } from '../play.ts'
import type { SchemaEntry } from '../targets/target.ts'
import { defineStep } from './step.ts'

/** Levels of nested types that a described type shows. */
const DEPTH = 3

/** A claim about introspection. */
interface SchemaStep {
  readonly kind: 'schema'
  readonly of:
    | { readonly kind: 'command' | 'event'; readonly name: string; readonly argument?: string }
    | { readonly kind: 'type'; readonly name: string }
  readonly present: boolean
  readonly features?: Claim
  readonly returns?: Claim
  readonly text: string
}

declare module '../../dsl/plan.ts' {
  interface StepBodies {
    readonly schema: SchemaStep
  }
}

export const schema = defineStep({
  kind: 'schema',
  written: {
    doc: 'Claims about introspection: {command: NAME, arg: NAME, features: …}.',
    schema: { type: 'object' },
    keys: {},
    build: buildSchema,
  },
  facts: () => ({ changes: false, keepsGraph: true }),
  words: (step) => `schema ${step.text}`,
  run(step, play) {
    const found = lookUp(play, step.of)
    const features = found?.features ?? []
    const words = [describe(step.of)]
    if (found === undefined) words.push('absent')
    else if (features.length > 0) {
      words.push(`features=${show([...features].sort())}`)
    }
    if (found !== undefined && step.returns !== undefined) words.push(show(found.about))
    play.transcript.add({ kind: 'line', label: 'qapi', text: words.join(' ') })
    const exists: boolean = found !== undefined
    if (exists !== step.present) {
      const message = step.present ? 'it does not exist' : 'it exists'
      play.blame('claim', { span: step.span, message: `${describe(step.of)}: ${message}` })
      return Promise.resolve()
    }
    if (found === undefined) return Promise.resolve()
    if (step.features !== undefined) {
      play.check(step.features, features.length === 0 ? undefined : [...features].sort())
    }
    if (step.returns !== undefined) play.check(step.returns, found.about)
    return Promise.resolve()
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

interface Found {
  readonly features: readonly string[]
  /** What `return` claims about: for an argument its type, for a command its arguments and result. */
  readonly about: Value
}

function describe(of: SchemaStep['of']): string {
  const argument = 'argument' in of ? ` arg ${of.argument}` : ''
  return `${of.kind} ${of.name}${argument}`
}

type Entry = Readonly<Record<string, unknown>>

class Types {
  readonly #entries: ReadonlyMap<string, SchemaEntry>

  constructor(entries: readonly SchemaEntry[]) {
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]))
  }

  get(name: unknown): SchemaEntry | undefined {
    return typeof name === 'string' ? this.#entries.get(name) : undefined
  }

  /** Own members first, then those of every variant. */
  members(type: unknown): readonly Entry[] {
    const entry = this.get(type)
    if (entry === undefined) return []
    const variants = listOf(entry['variants']).flatMap((variant) =>
      listOf(this.get(variant['type'])?.['members']),
    )
    return [...listOf(entry['members']), ...variants]
  }

  /** A type without its hidden name: `str`, `{enum: […]}`, `{list: T}`, `{members: {…}}`. */
  show(type: unknown, depth = DEPTH): Value {
    const entry = this.get(type)
    if (entry === undefined) return null
    switch (entry['meta-type']) {
      case 'builtin':
        return entry.name
      case 'enum':
        return { enum: enumValues(entry) }
      case 'array':
        return depth === 0 ? 'list' : { list: this.show(entry['element-type'], depth - 1) }
      case 'alternate':
        return depth === 0
          ? 'alternate'
          : {
              alternate: listOf(entry['members']).map((part) => this.show(part['type'], depth - 1)),
            }
      case 'object':
        return depth === 0
          ? 'object'
          : { members: this.showMembers(listOf(entry['members']), depth - 1) }
      default:
        return entry['meta-type']
    }
  }

  showMembers(members: readonly Entry[], depth: number): Value {
    return Object.fromEntries(
      members.map((entry) => [String(entry['name']), this.showMember(entry, depth)]),
    )
  }

  showMember(entry: Entry, depth: number): Value {
    return {
      type: this.show(entry['type'], depth),
      // As introspection has it: an optional member has a default, which is null where unknown.
      ...('default' in entry ? { default: entry['default'] as Value } : {}),
      ...(Array.isArray(entry['features']) ? { features: featuresOf(entry) } : {}),
    }
  }
}

function lookUp(play: Play, of: SchemaStep['of']): Found | undefined {
  const types = new Types(play.capabilities.schema)
  const entry = types.get(of.name)
  if (entry === undefined) return undefined
  if (of.kind === 'type') {
    return { features: featuresOf(entry), about: types.show(of.name) }
  }
  if (entry['meta-type'] !== of.kind) return undefined
  if (of.argument !== undefined) {
    const wanted = of.argument
    const member = memberAt(types, entry['arg-type'], wanted.split('.'))
    return member === undefined
      ? undefined
      : { features: featuresOf(member), about: types.showMember(member, DEPTH) }
  }
  const own = listOf(types.get(entry['arg-type'])?.['members'])
  return {
    features: featuresOf(entry),
    about: {
      arguments: types.showMembers(own, 1),
      ...(of.kind === 'command' ? { returns: types.show(entry['ret-type'], 1) } : {}),
    },
  }
}

/** A member by its name, or by a path through nested objects and lists. */
function memberAt(types: Types, type: unknown, path: readonly string[]): Entry | undefined {
  const [name, ...rest] = path
  const entry = types.get(type)
  if (entry?.['meta-type'] === 'array') return memberAt(types, entry['element-type'], path)
  const members = types.members(type).filter((member) => member['name'] === name)
  if (rest.length === 0) return members[0]
  for (const member of members) {
    const found = memberAt(types, member['type'], rest)
    if (found !== undefined) return found
  }
  return undefined
}

function featuresOf(entry: Entry): readonly string[] {
  const features = entry['features']
  return Array.isArray(features) ? features.filter((name) => typeof name === 'string') : []
}

function enumValues(entry: Entry): readonly string[] {
  const values = entry['values']
  if (Array.isArray(values)) return values.filter((value) => typeof value === 'string')
  return listOf(entry['members']).map((member) => String(member['name']))
}

function listOf(value: unknown): readonly Entry[] {
  if (!Array.isArray(value)) return []
  return value.filter((item): item is Entry => typeof item === 'object' && item !== null)
}
