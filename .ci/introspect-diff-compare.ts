/**
 * Compares two results of `query-qmp-schema`. The names of types mean nothing, so both are walked
 * from commands and events, side by side; each pair of types is looked at where it is met first.
 */

export interface SchemaEntry {
  readonly name: string
  readonly 'meta-type': string
  readonly features?: readonly string[]
  readonly 'arg-type'?: string
  readonly 'ret-type'?: string
  readonly 'allow-oob'?: boolean
  readonly 'element-type'?: string
  readonly 'json-type'?: string
  readonly tag?: string
  readonly members?: readonly SchemaMember[]
  readonly variants?: readonly { readonly case: string; readonly type: string }[]
}

/** A member of an object, a value of an enum, or a branch of an alternate. */
interface SchemaMember {
  readonly name?: string
  readonly type?: string
  readonly default?: null
  readonly features?: readonly string[]
}

/** Every difference as one line: where, and what `ours` lacks or has otherwise. */
export function compareSchemas(
  ours: readonly SchemaEntry[],
  theirs: readonly SchemaEntry[],
): readonly string[] {
  return new Comparison(ours, theirs).run()
}

class Comparison {
  readonly #ours: ReadonlyMap<string, SchemaEntry>
  readonly #theirs: ReadonlyMap<string, SchemaEntry>
  readonly #seen = new Set<string>()
  readonly #lines: string[] = []

  constructor(ours: readonly SchemaEntry[], theirs: readonly SchemaEntry[]) {
    this.#ours = new Map(ours.map((entry) => [entry.name, entry]))
    this.#theirs = new Map(theirs.map((entry) => [entry.name, entry]))
  }

  run(): readonly string[] {
    for (const kind of ['command', 'event']) {
      const named = (schema: ReadonlyMap<string, SchemaEntry>): string[] =>
        [...schema.values()].filter((each) => each['meta-type'] === kind).map(({ name }) => name)
      const ours = named(this.#ours)
      const theirs = named(this.#theirs)
      this.#names(`${kind} `, ours, theirs)
      for (const name of theirs) if (ours.includes(name)) this.#entry(name, name, name)
    }
    return this.#lines
  }

  #entry(path: string, ourName: string, theirName: string): void {
    const key = `${ourName} ${theirName}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const ours = this.#ours.get(ourName)
    const theirs = this.#theirs.get(theirName)
    if (ours === undefined || theirs === undefined) {
      this.#lines.push(`${path}: no such type`)
      return
    }
    for (const what of ['meta-type', 'json-type', 'tag', 'allow-oob'] as const) {
      this.#same(path, what, ours[what], theirs[what])
    }
    this.#same(path, 'features', ours.features ?? [], theirs.features ?? [])
    this.#deeper(`${path}()`, ours['arg-type'], theirs['arg-type'])
    this.#deeper(`${path} returns`, ours['ret-type'], theirs['ret-type'])
    this.#deeper(`${path}[]`, ours['element-type'], theirs['element-type'])
    if (theirs['meta-type'] === 'alternate') this.#branches(path, ours, theirs)
    else this.#members(path, ours.members ?? [], theirs.members ?? [])
    this.#variants(path, ours, theirs)
  }

  #members(path: string, ours: readonly SchemaMember[], theirs: readonly SchemaMember[]): void {
    const names = (members: readonly SchemaMember[]): string[] =>
      members.map(({ name = '' }) => name)
    this.#names(`${path}.`, names(ours), names(theirs))
    for (const member of theirs) {
      const twin = ours.find(({ name }) => name === member.name)
      if (twin === undefined) continue
      const place = `${path}.${member.name ?? ''}`
      this.#same(place, 'optional', 'default' in twin, 'default' in member)
      this.#same(place, 'features', twin.features ?? [], member.features ?? [])
      this.#deeper(place, twin.type, member.type)
    }
  }

  /** Branches have no names; they are told apart by what kind of value they take. */
  #branches(path: string, ours: SchemaEntry, theirs: SchemaEntry): void {
    const kind = (schema: ReadonlyMap<string, SchemaEntry>, { type = '' }: SchemaMember): string =>
      schema.get(type)?.['json-type'] ?? schema.get(type)?.['meta-type'] ?? 'unknown'
    const mine = (ours.members ?? []).map((member) => kind(this.#ours, member))
    const other = (theirs.members ?? []).map((member) => kind(this.#theirs, member))
    this.#names(`${path}|`, mine, other)
    for (const [index, member] of (theirs.members ?? []).entries()) {
      const twin = ours.members?.[mine.indexOf(other[index] ?? '')]
      if (twin !== undefined) this.#deeper(`${path}|${other[index] ?? ''}`, twin.type, member.type)
    }
  }

  /** Variants whose tag cannot have the value are not told again. */
  #variants(path: string, ours: SchemaEntry, theirs: SchemaEntry): void {
    const mine = ours.variants ?? []
    const known = new Set(mine.map((variant) => variant.case))
    const others = (theirs.variants ?? []).filter((variant) => known.has(variant.case))
    const order = mine
      .map((variant) => variant.case)
      .filter((each) => others.some((variant) => variant.case === each))
    this.#same(
      path,
      'order of variants',
      order,
      others.map((variant) => variant.case),
    )
    for (const variant of others) {
      const twin = mine.find((each) => each.case === variant.case)
      this.#deeper(`${path}<${variant.case}>`, twin?.type, variant.type)
    }
  }

  #deeper(path: string, ours: string | undefined, theirs: string | undefined): void {
    if (ours === undefined && theirs === undefined) return
    this.#entry(path, ours ?? '', theirs ?? '')
  }

  #names(prefix: string, ours: readonly string[], theirs: readonly string[]): void {
    for (const name of theirs) {
      if (!ours.includes(name)) this.#lines.push(`${prefix}${name}: missing`)
    }
    for (const name of ours) {
      if (!theirs.includes(name)) this.#lines.push(`${prefix}${name}: not in the real one`)
    }
    this.#same(
      prefix.slice(0, -1),
      'order',
      ours.filter((name) => theirs.includes(name)),
      theirs.filter((name) => ours.includes(name)),
    )
  }

  #same(path: string, what: string, ours: unknown, theirs: unknown): void {
    const [mine, other] = [JSON.stringify(ours), JSON.stringify(theirs)]
    if (mine !== other) this.#lines.push(`${path}: ${what} ${mine} is ${other} in the real one`)
  }
}
