/**
 * The result of `query-qmp-schema`, made from the declarations that also check the arguments. Names
 * of types are hidden behind numbers, as in QEMU, so that nobody relies on them.
 */
import type { EnumValue, Feature, Member, Members, Schema, Union } from '../block/option.ts'
import type { Command } from './command.ts'
import { isUnion } from './command.ts'
import { EVENTS } from './schema/events.ts'

type Entry = Readonly<Record<string, unknown>>

type IsShown = (features: readonly Feature[] | undefined) => boolean

/** @param isShown - Whether clients hear of what has these features. */
export function describeSchema(
  commands: ReadonlyMap<string, Command>,
  isShown: IsShown = () => true,
): readonly Entry[] {
  const types = new TypeList(isShown)
  const entries: Entry[] = []
  for (const command of commands.values()) {
    if (!isShown(command.features)) continue
    entries.push({
      name: command.name,
      'meta-type': 'command',
      'arg-type': types.nameOf(isUnion(command.args) ? command.args : objectOf(command)),
      'ret-type': command.returns === undefined ? types.empty() : types.nameOf(command.returns),
      ...featuresOf(command.features),
    })
  }
  for (const [name, members] of Object.entries(EVENTS)) {
    const data: Schema = { kind: 'struct', name: `${name}-arg`, members }
    entries.push({ name, 'meta-type': 'event', 'arg-type': types.nameOf(data) })
  }
  return [...entries, ...types.describe()]
}

function objectOf(command: Command): Schema {
  // `isUnion` told that these are plain members.
  return { kind: 'struct', name: `${command.name}-arg`, members: command.args as Members }
}

function featuresOf(features: readonly Feature[] | undefined): Entry {
  return features === undefined || features.length === 0 ? {} : { features }
}

const JSON_TYPES: Readonly<Record<string, string>> = {
  str: 'string',
  int: 'int',
  number: 'number',
  bool: 'boolean',
  null: 'null',
  any: 'value',
}

/** The types that are used, each once, numbered as they are met. */
class TypeList {
  readonly #isShown: IsShown
  readonly #names = new Map<string, string>()
  readonly #pending: { readonly name: string; readonly schema: Schema; features: Entry }[] = []

  constructor(isShown: IsShown) {
    this.#isShown = isShown
  }

  nameOf(schema: Schema, features: Entry = {}): string {
    switch (schema.kind) {
      case 'later':
        return this.nameOf(schema.schema(), features)
      case 'list':
        return this.#add(`[${this.nameOf(schema.of)}]`, schema)
      case 'struct':
        if (Object.keys(schema.members).length === 0) return this.empty()
        return this.#number(schema, features)
      case 'enum':
      case 'union':
      case 'alternate':
        return this.#number(schema, features)
      default:
        return this.#add(schema.kind, schema)
    }
  }

  /** The object without members. */
  empty(): string {
    return this.#number({ kind: 'struct', name: '', members: {} }, {})
  }

  describe(): Entry[] {
    const entries: Entry[] = []
    // Describing a type may add those that it uses.
    for (const { name, schema, features } of this.#pending) {
      entries.push({ name, ...this.#describe(schema), ...features })
    }
    return entries
  }

  #number(schema: Schema & { readonly name: string }, features: Entry): string {
    const key = `${schema.kind} ${schema.name}`
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const name = String(this.#names.size)
    this.#names.set(key, name)
    this.#pending.push({ name, schema, features })
    return name
  }

  #add(name: string, schema: Schema): string {
    if (!this.#pending.some((entry) => entry.name === name)) {
      this.#pending.push({ name, schema, features: {} })
    }
    return name
  }

  #describe(schema: Schema): Entry {
    switch (schema.kind) {
      case 'list':
        return { 'meta-type': 'array', 'element-type': this.nameOf(schema.of) }
      case 'enum':
        return this.#enum(schema.values)
      case 'struct':
        return { 'meta-type': 'object', members: this.#members(schema.members) }
      case 'union':
        return this.#union(schema)
      case 'alternate':
        return {
          'meta-type': 'alternate',
          members: schema.branches.map((branch) => ({ type: this.nameOf(branch) })),
        }
      case 'later':
        return this.#describe(schema.schema())
      default:
        return { 'meta-type': 'builtin', 'json-type': JSON_TYPES[schema.kind] }
    }
  }

  #enum(all: readonly EnumValue[]): Entry {
    const values = all.filter(({ features }) => this.#isShown(features))
    return {
      'meta-type': 'enum',
      members: values.map(({ name, features }) => ({ name, ...featuresOf(features) })),
      values: values.map(({ name }) => name),
    }
  }

  #members(members: Members): Entry[] {
    const shown = Object.entries(members).filter(([, { features }]) => this.#isShown(features))
    return shown.map(([name, member]) => ({
      name,
      ...(member.optional ? { default: null } : {}),
      type: this.#memberType(member),
      ...featuresOf(member.features),
    }))
  }

  #memberType(member: Member): string {
    return this.nameOf(member.schema)
  }

  #union(union: Union): Entry {
    return {
      'meta-type': 'object',
      members: this.#members(union.base),
      tag: union.tag,
      variants: allVariants(union).map(([tag, members]) => ({
        case: tag,
        type: this.nameOf(
          { kind: 'struct', name: `${union.name}.${tag}`, members },
          featuresOf(union.variantFeatures?.[tag]),
        ),
      })),
    }
  }
}

/** Values of the tag that nothing follows come last. */
function allVariants(union: Union): (readonly [tag: string, members: Members])[] {
  const tag = union.base[union.tag]?.schema
  const values = tag?.kind === 'enum' ? tag.values.map(({ name }) => name) : []
  const bare = values.filter((value) => !Object.hasOwn(union.variants, value))
  return [...Object.entries(union.variants), ...bare.map((value) => [value, {}] as const)]
}
