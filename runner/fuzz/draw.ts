/**
 * Draws values by their declared types. What a plausible value is says the table of hints; what
 * has no hint is drawn from the type alone, so that nothing which is built is left out.
 */
import type { Value } from '../../dsl/plan.ts'
import type { Focus } from './commands.ts'
import { HINTS, NAMED, RARELY_GIVEN, USUALLY_GIVEN } from './hints.ts'
import type { Random } from './random.ts'
import type { FuzzSchema, MemberShape, Shape } from './schema.ts'
import type { State } from './state.ts'
import type { Members } from './step.ts'

/** Something that does not exist yet and that a step would need to be accepted. */
export type Want =
  'node' | 'chain' | 'quorum' | 'throttle-group' | 'iothread' | 'bitmap' | 'export' | 'server'

/** A step that makes what another one needs. */
export interface Provider {
  readonly command: string
  readonly focus: Focus
}

/** Where a value stands. */
export interface Place {
  /** The driver, command or type of action whose member it is. */
  readonly owner: string
  readonly name: string
  /** Path of members that must be there, below this one. */
  readonly must: readonly string[]
  /** Members of the same map that have been drawn before. */
  readonly beside: Members
  /** The driver of the node that the options are for a child of. */
  readonly parent?: string
}

/** Nested node options deeper than this are references. */
const DEEPEST = 2

/** How often a member that may be left out is there. */
const OPTIONAL = 0.12

/** Small ones, neighbours of powers of two, and the ends of the ranges. */
const INTEGERS: readonly (number | bigint)[] = [
  0,
  1,
  2,
  7,
  511,
  512,
  4096,
  65_536,
  1_048_576,
  -1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 63n),
]

export class Draw {
  readonly random: Random
  readonly schema: FuzzSchema
  readonly state: State
  /** Members that are never given, as `OWNER.MEMBER`. */
  readonly #undrawn: ReadonlySet<string>
  readonly wants = new Set<Want>()
  /** What is settled about the step by now, where that is more than it was drawn for. */
  focus: Focus | undefined
  #provider: Provider | undefined
  #depth = 0
  /** Names given to nodes within this step. */
  readonly #given = new Set<string>()

  constructor(
    random: Random,
    schema: FuzzSchema,
    state: State,
    undrawn: ReadonlySet<string> = new Set(),
  ) {
    this.#undrawn = undrawn
    this.random = random
    this.schema = schema
    this.state = state
  }

  /** The step that is to come before this one; of several the first. */
  get provider(): Provider | undefined {
    return this.#provider
  }

  need(provider: Provider): void {
    this.#provider ??= provider
  }

  // --- Names -----------------------------------------------------------------------------------

  /** A node that exists, of these drivers if there is one; now and then one that does not. */
  node(...drivers: readonly string[]): string {
    return this.nodeWhere((node) => drivers.includes(node.driver))
  }

  nodeWhere(fits: (node: State['nodes'][number]) => boolean): string {
    const { nodes } = this.state
    if (nodes.length === 0) {
      this.wants.add('node')
      return 'nosuch'
    }
    if (this.random.chance(0.025)) return 'nosuch'
    const fitting = nodes.filter(fits)
    const from = fitting.length > 0 && this.random.chance(0.85) ? fitting : nodes
    return this.random.pick(from)?.name ?? 'nosuch'
  }

  /** One of the things that exist; if there is none, the step wants one. */
  existing(names: readonly string[], want: Want): string {
    if (names.length === 0) this.wants.add(want)
    const name = this.random.pick(names)
    return name === undefined || this.random.chance(0.06) ? 'nosuch' : name
  }

  /** A name that nothing has; now and then one that is taken. */
  fresh(prefix: string, taken: readonly string[]): string {
    if (taken.length > 0 && this.random.chance(0.03)) return this.random.pick(taken) ?? prefix
    for (;;) {
      const name = `${prefix}${String(this.random.below(taken.length + this.#given.size + 8))}`
      if (taken.includes(name) || this.#given.has(name)) continue
      this.#given.add(name)
      return name
    }
  }

  // --- Values ----------------------------------------------------------------------------------

  /** The arguments of a command. */
  arguments(command: string, must: readonly string[] = []): Members | undefined {
    const type = this.schema.argumentType(command)
    if (type === undefined) return undefined
    const shape = this.schema.shape(type)
    if (shape.kind !== 'object') return undefined
    const place = { owner: command, name: '', must, beside: {} }
    return this.#object(type, shape, place)
  }

  /** Options of a node, without its name unless that is given. */
  nodeOptions(
    driver: string,
    options: {
      readonly name?: string
      readonly must?: readonly string[]
      readonly given?: Members
      readonly parent?: string
    } = {},
  ): Members {
    const { name, must = [], given = {}, parent } = options
    this.#depth += 1
    const members = this.schema.driverMembers(driver)
    const named: Members = name === undefined ? {} : { 'node-name': name }
    const start = { driver, ...named, ...given }
    const place = { owner: driver, must, ...(parent === undefined ? {} : { parent }) }
    const drawn = this.#members(members, start, place)
    this.#depth -= 1
    return drawn
  }

  /** A node below another: by name, or its options in place. */
  reference(place: Place, ...drivers: readonly string[]): Value {
    const wanted = drivers.filter((driver) => this.schema.drivers().includes(driver))
    if (this.#depth >= DEEPEST || (this.state.nodes.length > 0 && this.random.chance(0.55))) {
      return this.node(...wanted)
    }
    const driver =
      wanted.length > 0 && this.random.chance(0.9)
        ? (this.random.pick(wanted) ?? 'file')
        : (this.random.pick(this.schema.drivers()) ?? 'file')
    const taken = this.state.nodes.map((node) => node.name)
    return this.nodeOptions(driver, {
      parent: place.owner,
      ...(this.random.chance(NAMED) ? { name: this.fresh('n', taken) } : {}),
    })
  }

  value(type: string, place: Place): Value {
    const hinted = (HINTS[`${place.owner}.${place.name}`] ?? HINTS[place.name])?.(this, place)
    return hinted ?? this.plain(type, place)
  }

  /** By the type alone. */
  plain(type: string, place: Place): Value {
    if (type === this.schema.optionsType) return this.reference(place)
    const shape = this.schema.shape(type)
    switch (shape.kind) {
      case 'builtin':
        return this.#builtin(shape.json)
      case 'enum':
        return this.random.pick(shape.values) ?? ''
      case 'list':
        return this.list(place.must.length > 0 ? 1 : 0, () => this.plain(shape.of, place))
      case 'alternate':
        return this.plain(this.#branch(shape.types, place.must), place)
      case 'object':
        return this.#object(type, shape, place)
    }
  }

  /** Up to three items, mostly at least one. */
  list(least: number, item: () => Value): readonly Value[] {
    const count = Math.max(least, this.random.pick([0, 1, 1, 1, 2, 2, 3]))
    return Array.from({ length: count }, item)
  }

  #builtin(json: string): Value {
    switch (json) {
      case 'boolean':
        return this.random.chance(0.5)
      case 'int':
        return this.random.pick(INTEGERS) ?? 0
      case 'number':
        return this.random.pick([0, 1, 0.5, -1])
      case 'null':
        return null
      case 'string':
        return this.random.pick(['', 'x', 'nosuch', 'file'])
      default:
        return this.random.pick([null, true, 0, 'x', {}, []])
    }
  }

  /** The type of an alternate that has the member which must be there. */
  #branch(types: readonly string[], must: readonly string[]): string {
    const [name] = must
    const having = types.filter((type) => name !== undefined && this.#has(type, name))
    return this.random.pick(having.length > 0 ? having : types) ?? ''
  }

  #has(type: string, name: string): boolean {
    const shape = this.schema.shape(type)
    if (shape.kind !== 'object') return false
    return [
      ...shape.members,
      ...this.schema.tagValues(type).flatMap((value) => this.schema.variant(type, value)),
    ].some((member) => member.name === name)
  }

  #object(type: string, shape: Extract<Shape, { kind: 'object' }>, place: Place): Members {
    const { tag } = shape
    if (tag === undefined) return this.#members(shape.members, {}, place)
    const values = this.schema.tagValues(type)
    const [must] = place.must
    const fitting = values.filter((value) =>
      this.schema.variant(type, value).some((member) => member.name === must),
    )
    const hint = HINTS[`${place.owner}.${tag}`]?.(this, { ...place, name: tag })
    const value =
      typeof hint === 'string' && (fitting.length === 0 || fitting.includes(hint))
        ? hint
        : (this.random.pick(fitting.length > 0 ? fitting : values) ?? '')
    const variant = this.schema.variant(type, value)
    // What wraps the data of an action is drawn as the command of that name.
    const [only] = variant
    const owner = variant.length === 1 && only?.name === 'data' ? value : place.owner
    const members = [...shape.members, ...variant]
    return this.#members(members, { [tag]: value }, { ...place, owner })
  }

  #members(
    members: readonly MemberShape[],
    start: Members,
    place: Pick<Place, 'owner' | 'must' | 'parent'>,
  ): Members {
    const drawn: Record<string, Value> = { ...start }
    const [must, ...rest] = place.must
    for (const { name, type, optional } of members) {
      if (name in drawn || (name === 'node-name' && 'driver' in drawn)) continue
      if (this.#undrawn.has(`${place.owner}.${name}`)) continue
      const isMust = name === must
      if (optional && !isMust && !this.random.chance(shareOf(place.owner, name))) continue
      drawn[name] = this.value(type, {
        owner: place.owner,
        name,
        must: isMust ? rest : [],
        beside: drawn,
        ...(place.parent === undefined ? {} : { parent: place.parent }),
      })
    }
    return drawn
  }
}

/** How often an optional member is there. */
function shareOf(owner: string, name: string): number {
  const path = `${owner}.${name}`
  if (USUALLY_GIVEN.has(path)) return 0.93
  return RARELY_GIVEN.has(path) ? OPTIONAL / 8 : OPTIONAL
}
