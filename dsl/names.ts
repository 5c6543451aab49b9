/**
 * Which images, nodes, objects, exports, saved values and pending requests exist at a point of the
 * scenario, as far as the text tells. A kind is open once something may have made names that the
 * text does not show; then nothing is said to be unknown.
 */
import type { Span } from './plan.ts'

/** `faulty` are nodes with a list of faults, `breakpoint` the names under which those suspend. */
export type NameKind = 'image' | 'node' | 'object' | 'export' | 'save' | 'faulty' | 'breakpoint'

const KINDS = [
  'node',
  'object',
  'export',
  'save',
  'image',
  'faulty',
  'breakpoint',
] as const satisfies readonly NameKind[]

/** What a restart brings back. */
const AGAIN = ['node', 'object', 'export', 'faulty', 'breakpoint'] as const

/** A request that was sent with a tag, by subject and tag. */
export interface Tag {
  readonly span: Span
  awaited: boolean
}

export class Names {
  readonly #known = new Map<NameKind, Map<string, Span>>()
  readonly #open = new Set<NameKind>()
  readonly tags: Map<string, Map<string, Tag>>
  #setUp: ReadonlyMap<NameKind, ReadonlyMap<string, Span>> = new Map()

  constructor(tags: Map<string, Map<string, Tag>> = new Map<string, Map<string, Tag>>()) {
    this.tags = tags
  }

  add(kind: NameKind, name: string, span: Span): void {
    this.#of(kind).set(name, span)
  }

  remove(kind: NameKind, name: string): void {
    this.#of(kind).delete(name)
  }

  /** Where the name was made, if the text shows it. */
  find(kind: NameKind, name: string): Span | undefined {
    return this.#of(kind).get(name)
  }

  list(kind: NameKind): string[] {
    return [...this.#of(kind).keys()]
  }

  open(kind: NameKind): void {
    this.#open.add(kind)
  }

  /** True if a name of the kind certainly does not exist here. `#…` are names the target makes. */
  lacks(kind: NameKind, name: string): boolean {
    return !name.startsWith('#') && !this.#open.has(kind) && !this.#of(kind).has(name)
  }

  /** Remembers what the target holds when it has been set up. */
  setUp(): void {
    this.#setUp = new Map(AGAIN.map((kind) => [kind, new Map(this.#of(kind))]))
  }

  /** After a restart: what was set up exists again, and nothing that came later. */
  restart(): void {
    for (const kind of AGAIN) {
      const known = this.#of(kind)
      known.clear()
      for (const [name, span] of this.#setUp.get(kind) ?? []) known.set(name, span)
      this.#open.delete(kind)
    }
  }

  /** A copy, for a branch that may not be taken. */
  fork(): Names {
    const tags = [...this.tags].map(([subject, known]) => [subject, new Map(known)] as const)
    const copy = new Names(new Map(tags))
    for (const [kind, known] of this.#known) {
      for (const [name, span] of known) copy.add(kind, name, span)
    }
    for (const kind of this.#open) copy.open(kind)
    copy.#setUp = this.#setUp
    return copy
  }

  /** After a branch that only the target decides: its names may exist. */
  join(branch: Names): void {
    for (const kind of KINDS) {
      const before = this.#of(kind)
      const after = branch.#of(kind)
      const changed =
        [...after.keys()].some((name) => !before.has(name)) || after.size !== before.size
      for (const [name, span] of after) before.set(name, span)
      if (changed || branch.#open.has(kind)) this.#open.add(kind)
    }
  }

  #of(kind: NameKind): Map<string, Span> {
    const known = this.#known.get(kind)
    if (known !== undefined) return known
    const made = new Map<string, Span>()
    this.#known.set(kind, made)
    return made
  }
}
