/**
 * Declarations of what a client may send: driver options, command arguments, results, events.
 *
 * One declaration is a value. From it come the static type (`Values`), the check with QEMU's
 * error texts (`check.ts`), the entries of `query-qmp-schema` and the reference pages.
 */
import type { Conditional } from '../profiles/index.ts'

/** What QEMU's introspection can say of a member, value, type or command. */
export type Feature =
  'deprecated' | 'unstable' | 'dynamic-auto-read-only' | 'allow-write-only-overlay'

/** Integer widths as the wire format's error texts name them. */
export type IntName =
  'int' | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'size'

/** The shape of one value, as data. */
export type Schema =
  | { readonly kind: 'str' | 'bool' | 'number' | 'null' | 'any' }
  | IntSchema
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly EnumValue[] }
  | { readonly kind: 'list'; readonly of: Schema }
  | { readonly kind: 'struct'; readonly name: string; readonly members: Members }
  | Union
  /** One of several shapes, told apart by the JSON type alone. */
  | { readonly kind: 'alternate'; readonly name: string; readonly branches: readonly Schema[] }
  /** A schema that is only known once all drivers are: breaks cycles. */
  | { readonly kind: 'later'; readonly schema: () => Schema }

export interface IntSchema {
  readonly kind: 'int'
  readonly name: IntName
  /** Stays `bigint`, with all of its bits. */
  readonly exact?: true
  /** What an unsigned one does with a negative number: as QEMU it lets it wrap unless this is said. */
  readonly negative?: 'refused'
}

export interface EnumValue extends Conditional {
  readonly name: string
  readonly features?: readonly Feature[]
}

/** A struct whose further members depend on the value of its `tag` member. */
export interface Union {
  readonly kind: 'union'
  readonly name: string
  readonly tag: string
  readonly base: Members
  readonly variants: Readonly<Record<string, Members>>
  /** What introspection says of a variant's members as a whole. */
  readonly variantFeatures?: Readonly<Record<string, readonly Feature[]>>
}

/** One declared member of a struct, with what it becomes in TypeScript. */
export interface Member<T = unknown> extends Conditional {
  readonly schema: Schema
  readonly optional: boolean
  /** What an absent optional member means; absent itself where absence has its own meaning. */
  readonly default?: T
  readonly doc: string
  readonly features?: readonly Feature[]
  /** A number of bytes, which may have a unit where it comes as text: `64k`. */
  readonly bytes?: boolean
  /** Never present; carries the static type. */
  readonly type?: T
}

export type Members = Readonly<Record<string, Member>>

type Entries = readonly (readonly [name: string, member: Member])[]

const ENTRIES = new WeakMap<Members, Entries>()

/** The members as declared. They are gone through for every command and every node, so they are kept. */
export function entriesOf(members: Members): Entries {
  const known = ENTRIES.get(members)
  if (known !== undefined) return known
  const made = Object.entries(members)
  ENTRIES.set(members, made)
  return made
}

/** The TypeScript value of checked members: an absent optional member without default is `undefined`. */
export type Values<M extends Members> = {
  readonly [K in keyof M]: M[K] extends Member<infer T> ? T : never
}

interface Common extends Conditional {
  readonly doc: string
  readonly features?: readonly Feature[]
  readonly bytes?: boolean
}
interface Mandatory extends Common {
  readonly optional?: never
  readonly default?: never
}
interface Optional extends Common {
  readonly optional: true
  readonly default?: never
}
interface Defaulted<T> extends Common {
  readonly optional?: never
  readonly default: T
}

interface Declare<T> {
  (about: Mandatory | Defaulted<T>): Member<T>
  (about: Optional): Member<T | undefined>
}

/** Turns a schema into the function that declares members of it. */
export function declare<T>(schema: Schema): Declare<T> {
  return (about: Mandatory | Optional | Defaulted<T>) => ({
    schema,
    optional: about.optional === true || about.default !== undefined,
    ...(about.default === undefined ? {} : { default: about.default }),
    doc: about.doc,
    ...(about.features === undefined ? {} : { features: about.features }),
    ...(about.bytes === undefined ? {} : { bytes: about.bytes }),
    ...(about.when === undefined ? {} : { when: about.when }),
    ...(about.unless === undefined ? {} : { unless: about.unless }),
  })
}

function int(name: IntName): Declare<number> {
  return declare<number>({ kind: 'int', name })
}

/** Builders of members. Each takes its documentation and says whether it may be absent. */
export const opt = {
  str: declare<string>({ kind: 'str' }),
  bool: declare<boolean>({ kind: 'bool' }),
  number: declare<number>({ kind: 'number' }),
  any: declare<unknown>({ kind: 'any' }),
  int: int('int'),
  int64: int('int64'),
  int32: int('int32'),
  uint8: int('uint8'),
  uint16: int('uint16'),
  uint32: int('uint32'),
  uint64: int('uint64'),
  /** All 64 bits, for those who only keep or name the number. */
  intExact: declare<bigint>({ kind: 'int', name: 'int', exact: true }),
  uint64Exact: declare<bigint>({ kind: 'int', name: 'uint64', exact: true }),
  size: int('size'),
  /** One of a closed list of words. `name` is the type's name in the schema. */
  enum: <const V extends string>(name: string, values: readonly V[]) =>
    declare<V>({ kind: 'enum', name, values: values.map((value) => ({ name: value })) }),
  /** The name of a driver; which ones there are is only known where all are. */
  driverName: declare<string>({ kind: 'enum', name: 'BlockdevDriver', values: [] }),
  list: <T>(of: Schema) => declare<readonly T[]>({ kind: 'list', of }),
  of: <T>(schema: Schema) => declare<T>(schema),
} as const

/** The same shapes where a schema stands alone: elements of lists, members of unions. */
export const shape = {
  str: { kind: 'str' },
  bool: { kind: 'bool' },
  int: { kind: 'int', name: 'int' },
  any: { kind: 'any' },
  enum: (name: string, values: readonly string[]) =>
    ({ kind: 'enum', name, values: values.map((value) => ({ name: value })) }) as const,
  list: (of: Schema) => ({ kind: 'list', of }) as const,
  struct: (name: string, members: Members) => ({ kind: 'struct', name, members }) as const,
} as const satisfies Record<string, Schema | ((...args: never[]) => Schema)>
