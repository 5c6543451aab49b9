/** What a target can do, read from its version and its own introspection. */
import { createHash } from 'node:crypto'
import type { Profile } from '../../dsl/plan.ts'
import { FAULT_NEEDS } from '../faults.ts'
import { findKnown } from './known.ts'
import type { Capabilities, SchemaEntry, TargetKind } from './target.ts'

/** What a kind of target is by its nature, beside what introspection tells. */
export interface Nature {
  readonly kind: TargetKind
  readonly program: string
  readonly clock: 'virtual' | 'real'
  readonly profiles: readonly Profile[]
  /** Needs such as `target.restart` that hold for the kind. */
  readonly features: readonly string[]
  readonly channels: readonly string[]
  /** Commands that are not ours to send, though the target has them. */
  readonly withheld?: readonly string[]
}

/** Entries of the schema by name, with the shapes that the runner asks about. */
export class SchemaIndex {
  readonly #entries: ReadonlyMap<string, SchemaEntry>

  constructor(schema: readonly SchemaEntry[]) {
    this.#entries = new Map(schema.map((entry) => [entry.name, entry]))
  }

  get(name: unknown): SchemaEntry | undefined {
    return typeof name === 'string' ? this.#entries.get(name) : undefined
  }

  /** Members of an object type, its variants' members included, as sent. */
  members(type: unknown, deep: boolean): readonly Record<string, unknown>[] {
    const entry = this.get(type)
    if (entry === undefined) return []
    const own = listOf(entry['members'])
    if (!deep) return own
    const variants = listOf(entry['variants']).flatMap((variant) =>
      this.members(variant['type'], false),
    )
    return [...own, ...variants]
  }

  /** The values that the tag of a union may have. */
  tagValues(type: unknown): readonly string[] {
    const entry = this.get(type)
    const tag = this.members(type, false).find((member) => member['name'] === entry?.['tag'])
    return this.enumValues(tag?.['type'])
  }

  /** Member names of one variant of a union, with those that all variants share. */
  variantMembers(type: unknown, value: string): ReadonlySet<string> {
    const variant = listOf(this.get(type)?.['variants']).find((entry) => entry['case'] === value)
    const members = [...this.members(type, false), ...this.members(variant?.['type'], false)]
    return new Set(members.flatMap((entry) => namesOf(entry)))
  }

  enumValues(type: unknown): readonly string[] {
    const entry = this.get(type)
    const values = entry?.['values']
    if (Array.isArray(values)) return values.filter((value) => typeof value === 'string')
    return listOf(entry?.['members']).flatMap((member) => namesOf(member))
  }
}

export function createCapabilities(
  nature: Nature,
  version: string,
  schema: readonly SchemaEntry[],
  greeted?: string,
): Capabilities {
  const index = new SchemaIndex(schema)
  const withheld = new Set(nature.withheld)
  const commands = schema.filter(
    (entry) => entry['meta-type'] === 'command' && !withheld.has(entry.name),
  )
  const argumentType = (command: string): unknown => index.get(command)?.['arg-type']
  const base = {
    kind: nature.kind,
    version,
    title: `${nature.program} ${version}`,
    schemaHash: hashOf(schema),
    clock: nature.clock,
    profiles: nature.profiles,
    channels: nature.channels,
    commands: new Set(commands.map((entry) => entry.name)),
    arguments: new Map(
      commands.map((entry) => [
        entry.name,
        new Set(index.members(entry['arg-type'], true).flatMap((member) => namesOf(member))),
      ]),
    ),
    events: new Set(
      schema.filter((entry) => entry['meta-type'] === 'event').map((entry) => entry.name),
    ),
    drivers: new Set(index.tagValues(argumentType('blockdev-add'))),
    objects: new Set(index.tagValues(argumentType('object-add'))),
    exports: new Set(index.tagValues(argumentType('block-export-add'))),
    schema,
  }
  const known = findKnown(nature.kind, version, greeted)
  return {
    ...base,
    ...(known === undefined ? {} : { known }),
    driverMembers: (driver) => index.variantMembers(argumentType('blockdev-add'), driver),
    missing: (need) => missing(need, base, new Set(nature.features)),
  }
}

type Basis = Omit<Capabilities, 'missing' | 'known' | 'driverMembers'>

/** Why a need does not hold; the words name the exact thing that is missing. */
function missing(need: string, has: Basis, features: ReadonlySet<string>): string | undefined {
  const version = /^version\s*(<=?|>=?|==|!=)\s*([\d.]+)$/.exec(need)
  if (version !== null) {
    const order = compareVersions(has.version, version[2] ?? '0')
    return holdsFor(order, version[1] ?? '==')
      ? undefined
      : `is version ${has.version}, needs ${need}`
  }
  const dot = need.indexOf('.')
  const family = dot < 0 ? need : need.slice(0, dot)
  const name = dot < 0 ? '' : need.slice(dot + 1)
  const held = holds(family, name, has, features)
  return held ? undefined : `no ${need}`
}

function holds(family: string, name: string, has: Basis, features: ReadonlySet<string>): boolean {
  switch (family) {
    case 'driver':
    case 'fmt':
      return has.drivers.has(name)
    case 'object':
      return has.objects.has(name)
    case 'export':
      return has.exports.has(name)
    case 'event':
      return has.events.has(name)
    case 'qmp': {
      if (has.commands.has(name)) return true
      const dot = name.indexOf('.')
      if (dot < 0) return false
      return has.arguments.get(name.slice(0, dot))?.has(name.slice(dot + 1)) ?? false
    }
    case 'time':
      return name === 'real' || name === has.clock
    case 'via':
      return has.channels.includes(name)
    case 'fault':
      if (features.has(`fault.${name}`)) return true
      return has.drivers.has('blkdebug') && FAULT_NEEDS.has(name)
    case 'bitmap':
      return has.commands.has('block-dirty-bitmap-add')
    default:
      return features.has(`${family}.${name}`)
  }
}

const VERSION_TESTS: Readonly<Record<string, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
}

/** Compares as many parts as the shorter version has. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const order = Math.sign((left[at] ?? 0) - (right[at] ?? 0))
    if (order !== 0) return order
  }
  return 0
}

/** Applies a comparison of the language to two versions. */
export function versionHolds(version: string, operator: string, wanted: string): boolean {
  return holdsFor(compareVersions(version, wanted), operator)
}

function holdsFor(order: number, operator: string): boolean {
  return VERSION_TESTS[operator]?.(order) ?? false
}

function hashOf(schema: readonly SchemaEntry[]): string {
  const lines = schema.map((entry) => JSON.stringify(entry, Object.keys(flatten(entry)).sort()))
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 16)
}

/** All member names that occur anywhere inside, as keys. */
function flatten(value: unknown, into: Record<string, true> = {}): Record<string, true> {
  if (Array.isArray(value)) {
    for (const item of value) flatten(item, into)
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      into[name] = true
      flatten(part, into)
    }
  }
  return into
}

function listOf(value: unknown): readonly Record<string, unknown>[] {
  if (!Array.isArray(value)) return []
  return value.filter(
    (item): item is Record<string, unknown> => typeof item === 'object' && item !== null,
  )
}

function namesOf(member: Readonly<Record<string, unknown>>): readonly string[] {
  return typeof member['name'] === 'string' ? [member['name']] : []
}
