/**
 * Declarations as a profile has them: what it lacks is left out, what is on its way out is flagged,
 * and where it refuses negative numbers for unsigned members, so do their types.
 */
import { presenceOf, type Conditional, type Profile } from '../profiles/index.ts'
import type { ChildDeclaration, Driver } from './driver.ts'
import type { EnumValue, Feature, Members, Schema, Union } from './option.ts'

const MADE = new WeakMap<readonly Driver[], Map<Profile, readonly Driver[]>>()

/** Drivers with the options and children that they have in a profile. */
export function driversIn(profile: Profile, drivers: readonly Driver[]): readonly Driver[] {
  // Many engines are made one after the other, of the same drivers.
  const made = MADE.get(drivers) ?? new Map<Profile, readonly Driver[]>()
  MADE.set(drivers, made)
  const known = made.get(profile) ?? profiled(profile, drivers)
  made.set(profile, known)
  return known
}

function profiled(profile: Profile, drivers: readonly Driver[]): readonly Driver[] {
  const schemas = new ProfiledSchemas(profile)
  return drivers
    .filter((driver) => presenceOf(profile, driver) !== 'absent')
    .map((driver) => ({
      ...withoutFatNames(profile, driver),
      options: schemas.membersOf(driver.options),
    }))
}

/** Only storage has names of its own, or bears them: what lies above it is told by options. */
function withoutFatNames(profile: Profile, driver: Driver): Driver {
  const { hasNames, namedAs } = driver
  const isFat = driver.kind !== 'protocol' && (hasNames || namedAs !== undefined)
  const drop = isFat && !profile['options.fatFilenames']
  const children = Object.entries(driver.children).map(([name, { nameOption, ...child }]) => {
    const named = nameOption === undefined || drop ? child : { ...child, nameOption }
    return [name, withHoles(profile, named)] as const
  })
  const kept = {
    ...driver,
    children: Object.fromEntries(children),
    nestsOptions: !profile['options.fatFilenames'],
  }
  return drop ? { ...kept, prefixes: {}, filename: undefined, namedAs: undefined } : kept
}

function withHoles(profile: Profile, { holes, ...child }: ChildDeclaration): ChildDeclaration {
  if (holes === undefined || presenceOf(profile, { when: holes }) === 'absent') return child
  return { ...child, holes }
}

/** Schemas of one profile, each made once. */
export class ProfiledSchemas {
  readonly #profile: Profile
  readonly #made = new WeakMap<Schema, Schema>()

  constructor(profile: Profile) {
    this.#profile = profile
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
        return this.unionOf(schema)
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

  unionOf(union: Union): Union {
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

/** Names the feature `deprecated` where the profile says so. */
export function flagged<T extends Flaggable>(profile: Profile, entry: T): T {
  const { features = [] } = entry
  if (presenceOf(profile, entry) !== 'deprecated' || features.includes('deprecated')) return entry
  return { ...entry, features: ['deprecated', ...features] }
}
