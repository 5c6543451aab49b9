/** A driver as the rest of the engine sees it: all that was declared, with defaults. */
import type { MaybePromise } from '../util/async.ts'
import type { Children } from './child.ts'
import type { CheckQuery, ClaimsQuery, NamingQuery, OpenContext, Services } from './context.ts'
import type { ImageOption, ImageValues } from './image-options.ts'
import type { Instance } from './instance.ts'
import type { BlockIo } from './io.ts'
import type { Feature, Members } from './option.ts'
import type { Conditional } from '../profiles/index.ts'
import type { Claims } from './permission.ts'

/** Storage reached / a structured child / a child shown unchanged. */
export type DriverKind = 'protocol' | 'format' | 'filter'

export interface Driver extends Conditional {
  readonly name: string
  readonly kind: DriverKind
  readonly doc: string
  /** Own options only; generic ones and children are not listed here. */
  readonly options: Members
  readonly children: Children
  /** What introspection says of the driver's options as a whole. */
  readonly features: readonly Feature[]
  /** Options and children as they are checked and listed; children first where this is absent. */
  readonly memberOrder: readonly string[] | undefined
  /** Options that change the visible data or its place: a `json:` file name lists them. */
  readonly strongOptions: readonly string[]
  readonly legacy: Legacy | undefined
  readonly strict: boolean
  /** Whether children are opened before the node has its name; generated names show it. */
  readonly childrenFirst: boolean
  readonly addsChildren: boolean
  /** How a node takes it that its children, which should be the same, may differ. */
  readonly agreement: 'vote' | 'compare' | undefined
  /** Refuses options before any listed child is opened. */
  readonly check: ((query: CheckQuery) => MaybePromise<void>) | undefined
  readonly claims: ((query: ClaimsQuery) => Claims) | undefined
  /** A file name that opens the same node, or nothing where only options can. */
  readonly filename: ((query: NamingQuery) => string | undefined) | undefined
  /** The child whose name its nodes bear, though that opens the child alone. */
  readonly namedAs: string | undefined
  /** The option `filename` must not be empty. */
  readonly needsFilename: boolean
  /** Own options whose values may change when the node is reopened. */
  readonly reopenable: readonly string[]
  /** Those of them that go back to their defaults when they are left out; others must be restated. */
  readonly resettable: readonly string[]
  /** Own options that cannot be restated when the node is reopened: no value is what it was. */
  readonly unrestatable: readonly string[]
  /** How sure the driver is, from 0 to 100, that the image beginning with `head` is of its format. */
  readonly probe: ((head: Uint8Array) => number) | undefined
  /** What a file name that begins with `name:` means. */
  readonly prefixes: Prefixes
  /** A `json:` name has lists and dictionaries as such, not one member for each value in them. */
  readonly nestsOptions: boolean
  /** There are such prefixes, in some profile. */
  readonly hasNames: boolean
  readonly create: Creation | undefined
  /** Options of new images as words; nothing where no images can be made over it or of its format. */
  readonly imageOptions: readonly ImageOption[] | undefined
  /** New images of the format are files of their size and nothing more. */
  readonly imageIsFile: boolean
  /** Where nobody has written, new images have zeroes. */
  readonly startsZeroed: boolean
  /** Its requests wait for nobody, as those of files do even where the data are at hand. */
  readonly waitsForNobody: boolean
  /** A dirty bitmap of such a node is that of the node below: both have the same data throughout. */
  forwardsBitmaps(options: Readonly<Record<string, unknown>>): boolean
  /** Its nodes carry out compressed writes, or hand them to a child that may. */
  readonly takesCompressed: boolean
  /** What white lists let it be used for. */
  readonly access: 'any' | 'read-only' | 'none'
  open(context: OpenContext): MaybePromise<Instance>
}

/** Whether QEMU counts the driver among the protocols: it reaches storage or names begin with it. */
export function isProtocol({ kind, hasNames }: Driver): boolean {
  return kind === 'protocol' || hasNames
}

/**
 * Options older than the declared ones, which no client may give, but file names, `json:` names and
 * command lines still may.
 */
export interface Legacy {
  /** They count among the strong options, before the declared ones. */
  readonly names: readonly string[]
  /** Puts them, flat, in the words of today. @throws {BlockError} for values without a meaning. */
  translate(options: Map<string, unknown>): void
}

/** Options as `blockdev-add` takes them, without a node name. */
/**
 * What file names mean by what stands before their first colon. `given` are the names of the options
 * that stand beside the file name, in the order of QEMU's table.
 */
export type Prefixes = Readonly<
  Record<string, (filename: string, given: readonly string[]) => NodeDescription>
>

export type NodeDescription = Readonly<Record<string, unknown>>

/** How new images of a format or protocol are made. */
export interface Creation<O = Readonly<Record<string, unknown>>> {
  /** Own options as `blockdev-create` lists them, without `file`, which `needsFile` stands for. */
  readonly options: Members
  readonly needsFile: boolean
  /** Refuses what no image can be, before its file is used. @throws {BlockError} */
  check?(options: O): void
  /** @param file - The opened node to write to; absent where the driver makes the file itself. */
  run(context: CreateContext<O>): MaybePromise<void>
  /**
   * The same options from words.
   *
   * @param drivers - What may be named as a driver.
   * @throws {BlockError} for values that no image has.
   */
  fromWords(values: ImageValues, drivers: readonly string[]): O
  /**
   * The options that say where, from those that a file name of the driver means; they are these
   * themselves where this is absent. @throws {BlockError} for a place that cannot be.
   */
  at?(place: ReadonlyMap<string, unknown>): Readonly<Record<string, unknown>>
  /** Whoever asks for it hears nothing before it is over, however long it takes. */
  readonly isWaitedFor?: true
  /** Takes back what was made. Absent where that cannot be. */
  undo?(options: O, services: Services): void
}

/** The storage of an image that is being made. */
export interface NewImageFile {
  /** Writes and resizes, and lets others do so too. */
  readonly io: BlockIo
  /**
   * From now on the storage is held as a node of the image holds it, and `io` is gone. The next time
   * it is let go and held again.
   *
   * @throws {BlockError} where others may not be kept from writing.
   */
  asImage(): MaybePromise<BlockIo>
}

export interface CreateContext<O = Readonly<Record<string, unknown>>> {
  readonly options: O
  readonly file: NewImageFile | undefined
  readonly services: Services
}
