/** The engine's own introspection as types that values are drawn from and coverage is counted by. */
import type { SchemaEntry } from '../targets/target.ts'

export interface MemberShape {
  readonly name: string
  readonly type: string
  readonly optional: boolean
}

export type Shape =
  | { readonly kind: 'builtin'; readonly json: string }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly of: string }
  | { readonly kind: 'alternate'; readonly types: readonly string[] }
  | { readonly kind: 'object'; readonly members: readonly MemberShape[]; readonly tag?: string }

/** One member that some declaration takes, by its path: `detect-zeroes`, `inject-error.event`. */
export interface OptionPath {
  /** The driver it belongs to; absent where all take it. */
  readonly driver?: string
  readonly path: readonly string[]
}

type Raw = Readonly<Record<string, unknown>>

export class FuzzSchema {
  readonly #entries: ReadonlyMap<string, SchemaEntry>
  #optionPaths: readonly OptionPath[] | undefined

  constructor(schema: readonly SchemaEntry[]) {
    this.#entries = new Map(schema.map((entry) => [entry.name, entry]))
  }

  /** Every command, in the order of the schema. */
  commands(): readonly string[] {
    return [...this.#entries.values()]
      .filter((entry) => entry['meta-type'] === 'command')
      .map((entry) => entry.name)
  }

  argumentType(command: string): string | undefined {
    const type = this.#entries.get(command)?.['arg-type']
    return typeof type === 'string' ? type : undefined
  }

  shape(type: string): Shape {
    const entry = this.#entries.get(type)
    switch (entry?.['meta-type']) {
      case 'enum':
        return { kind: 'enum', values: this.#enumValues(entry) }
      case 'array':
        return { kind: 'list', of: textOf(entry['element-type']) }
      case 'alternate':
        return {
          kind: 'alternate',
          types: listOf(entry['members']).map((member) => textOf(member['type'])),
        }
      case 'object': {
        const tag = entry['tag']
        const members = membersOf(entry)
        return typeof tag === 'string'
          ? { kind: 'object', members, tag }
          : { kind: 'object', members }
      }
      default:
        return { kind: 'builtin', json: textOf(entry?.['json-type']) }
    }
  }

  /** Members that a union has besides the common ones when its tag has this value. */
  variant(type: string, value: string): readonly MemberShape[] {
    const variant = listOf(this.#entries.get(type)?.['variants']).find(
      (each) => each['case'] === value,
    )
    const entry = this.#entries.get(textOf(variant?.['type']))
    return entry === undefined ? [] : membersOf(entry)
  }

  /** The values of a union's tag. */
  tagValues(type: string): readonly string[] {
    const shape = this.shape(type)
    if (shape.kind !== 'object') return []
    const tag = shape.members.find((member) => member.name === shape.tag)
    const inner = tag === undefined ? undefined : this.shape(tag.type)
    return inner?.kind === 'enum' ? inner.values : []
  }

  drivers(): readonly string[] {
    return this.tagValues(this.optionsType)
  }

  /** The union of all that a node is opened with. */
  get optionsType(): string {
    return this.argumentType('blockdev-add') ?? ''
  }

  /** Members of one driver's options, the common ones included. */
  driverMembers(driver: string): readonly MemberShape[] {
    const shape = this.shape(this.optionsType)
    const common = shape.kind === 'object' ? shape.members : []
    return [...common, ...this.variant(this.optionsType, driver)]
  }

  /** Whether a command or driver takes a member of this name, a command also further inside. */
  hasMember(owner: string, name: string): boolean {
    if (this.drivers().includes(owner)) {
      return this.driverMembers(owner).some((member) => member.name === name)
    }
    return this.#inner(this.argumentType(owner) ?? '', []).some((path) => path.at(-1) === name)
  }

  /** Every option member that coverage counts. Nested node options are counted as nodes. */
  optionPaths(): readonly OptionPath[] {
    this.#optionPaths ??= this.#findOptionPaths()
    return this.#optionPaths
  }

  #findOptionPaths(): readonly OptionPath[] {
    const shape = this.shape(this.optionsType)
    const common = (shape.kind === 'object' ? shape.members : [])
      .filter((member) => member.name !== 'driver')
      .flatMap((member) => this.#paths(member, []).map((path) => ({ path })))
    const own = this.drivers().flatMap((driver) =>
      this.variant(this.optionsType, driver).flatMap((member) =>
        this.#paths(member, []).map((path) => ({ driver, path })),
      ),
    )
    return [...common, ...own]
  }

  #paths(member: MemberShape, before: readonly string[]): string[][] {
    const path = [...before, member.name]
    if (path.length > 4) return [path]
    return [path, ...this.#inner(member.type, path)]
  }

  #inner(type: string, path: readonly string[]): string[][] {
    if (type === this.optionsType) return []
    const shape = this.shape(type)
    if (shape.kind === 'list') return this.#inner(shape.of, path)
    if (shape.kind === 'alternate') {
      return shape.types.flatMap((each) => this.#inner(each, path))
    }
    if (shape.kind !== 'object') return []
    const variants = this.tagValues(type).flatMap((value) => this.variant(type, value))
    const names = new Map([...shape.members, ...variants].map((each) => [each.name, each]))
    return [...names.values()].flatMap((each) => this.#paths(each, path))
  }

  #enumValues(entry: Raw): readonly string[] {
    const values = entry['values']
    if (Array.isArray(values)) return values.filter((value) => typeof value === 'string')
    return listOf(entry['members']).map((member) => textOf(member['name']))
  }
}

/** `qcow2.overlap-check.mode`; options of all drivers without the driver. */
export function optionName({ driver, path }: OptionPath): string {
  return [driver ?? '*', ...path].join('.')
}

function membersOf(entry: Raw): readonly MemberShape[] {
  return listOf(entry['members']).map((member) => ({
    name: textOf(member['name']),
    type: textOf(member['type']),
    optional: 'default' in member,
  }))
}

function listOf(value: unknown): readonly Raw[] {
  return Array.isArray(value)
    ? value.filter((item): item is Raw => typeof item === 'object' && item !== null)
    : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
