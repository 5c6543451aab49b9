/**
 * Commands and their schemas as a profile has them: what it lacks is left out, what is on its way
 * out is flagged, and where it refuses negative numbers for unsigned members, so do their types.
 */
import type { EnumValue, Feature, Members, Schema, Union } from '../block/option.ts'
import { presenceOf, type Conditional, type Profile } from '../profiles/index.ts'
import type { Command } from './command.ts'

/** The commands of a profile, by name. */
export function commandsIn(
  profile: Profile,
  commands: readonly Command[],
): ReadonlyMap<string, Command> {
  const schemas = new ProfiledSchemas(profile)
  return new Map(
    commands
      .filter((command) => presenceOf(profile, command) !== 'absent')
      .map((command) => [command.name, profiled(flagged(profile, command), schemas)]),
  )
}

/** Most commands of an engine are never asked for, so that their schemas are made when they are. */
function profiled(command: Command, schemas: ProfiledSchemas): Command {
  let args: Command['args'] | undefined
  let returns: Command['returns']
  return {
    ...command,
    get args() {
      args ??= schemas.argsOf(command)
      return args
    },
    get returns() {
      returns ??= command.returns && schemas.of(command.returns)
      return returns
    },
  }
}

/** Schemas of one profile, each made once. */
export class ProfiledSchemas {
  readonly #profile: Profile
  readonly #made = new WeakMap<Schema, Schema>()

  constructor(profile: Profile) {
    this.#profile = profile
  }

  argsOf({ args }: Command): Members | Union {
    // A member that is called `kind` would be an object.
    return args.kind === 'union' ? this.#unionOf(args as Union) : this.membersOf(args as Members)
  }

  /** The same value where the profile changes nothing. */
  of(schema: Schema): Schema {
    const known = this.#made.get(schema)
    if (known !== undefined) return known
    const made = this.#make(schema)
    this.#made.set(schema, made)
    return made
  }

  membersOf(members: Members): Members {
    const entries = Object.entries(members).filter(([, member]) => this.#has(member))
    return Object.fromEntries(
      entries.map(([name, member]) => [
        name,
        { ...flagged(this.#profile, member), schema: this.of(member.schema) },
      ]),
    )
  }

  #make(schema: Schema): Schema {
    switch (schema.kind) {
      case 'later':
        return { kind: 'later', schema: () => this.of(schema.schema()) }
      case 'list':
        return { kind: 'list', of: this.of(schema.of) }
      case 'struct':
        return { ...schema, members: this.membersOf(schema.members) }
      case 'alternate':
        return { ...schema, branches: schema.branches.map((branch) => this.of(branch)) }
      case 'enum':
        return { ...schema, values: this.#valuesOf(schema.values) }
      case 'union':
        return this.#unionOf(schema)
      case 'int':
        return this.#profile['options.negative'] === 'refused'
          ? { ...schema, negative: 'refused' }
          : schema
      default:
        return schema
    }
  }

  #valuesOf(values: readonly EnumValue[]): readonly EnumValue[] {
    return values.filter((value) => this.#has(value)).map((value) => flagged(this.#profile, value))
  }

  #unionOf(union: Union): Union {
    const base = this.membersOf(union.base)
    const tag = base[union.tag]?.schema
    const values = tag?.kind === 'enum' ? tag.values.map(({ name }) => name) : []
    const variants = Object.entries(union.variants).filter(([name]) => values.includes(name))
    return {
      ...union,
      base,
      variants: Object.fromEntries(
        variants.map(([name, members]) => [name, this.membersOf(members)]),
      ),
    }
  }

  #has(entry: Conditional): boolean {
    return presenceOf(this.#profile, entry) !== 'absent'
  }
}

interface Flaggable extends Conditional {
  readonly features?: readonly Feature[]
}

function flagged<T extends Flaggable>(profile: Profile, entry: T): T {
  const { features = [] } = entry
  if (presenceOf(profile, entry) !== 'deprecated' || features.includes('deprecated')) return entry
  return { ...entry, features: ['deprecated', ...features] }
}
