/** Makes drivers of their declarations. */
import type { Conditional } from '../profiles/index.ts'
import type { MaybePromise } from '../util/async.ts'
import type { Child, Children } from './child.ts'
import type { CheckQuery, ClaimsQuery, NamingQuery, OpenContext } from './context.ts'
import type { Creation, Driver, DriverKind, Legacy, Prefixes } from './declaration.ts'
import type { ImageOption } from './image-options.ts'
import type { InstanceInfo } from './info.ts'
import type { Instance } from './instance.ts'
import type { Feature, Members, Values } from './option.ts'
import type { Claims } from './permission.ts'

interface DriverDefinition<O extends Members> extends Conditional {
  readonly name: string
  readonly kind: DriverKind
  readonly doc: string
  readonly options: O
  readonly children: Children
  readonly features?: readonly Feature[]
  /** Options and children as QEMU checks and lists them, where that is not children first. */
  readonly memberOrder?: readonly string[]
  /** Options that change the visible data or its place: a `json:` file name lists them. */
  readonly strongOptions?: readonly (keyof O & string)[]
  readonly legacy?: Legacy
  /**
   * Options out of names and command lines are checked as a client's are, and nothing that is not
   * declared may stand beside them. For drivers without children.
   */
  readonly strict?: boolean
  readonly childrenFirst?: boolean
  readonly addsChildren?: boolean
  readonly agreement?: 'vote' | 'compare'
  readonly check?: (query: CheckQuery<Values<O>>) => MaybePromise<void>
  readonly claims?: (query: ClaimsQuery<Values<O>>) => Claims
  readonly filename?: (query: NamingQuery<Values<O>>) => string | undefined
  readonly namedAs?: string
  readonly needsFilename?: boolean
  readonly reopenable?: readonly (keyof O & string)[]
  readonly resettable?: readonly (keyof O & string)[]
  readonly unrestatable?: readonly (keyof O & string)[]
  readonly probe?: (head: Uint8Array) => number
  readonly prefixes?: Prefixes
  readonly create?: Creation
  readonly imageOptions?: readonly ImageOption[]
  readonly imageIsFile?: boolean
  readonly startsZeroed?: boolean
  readonly takesCompressed?: boolean
  readonly waitsForNobody?: boolean
  readonly forwardsBitmaps?: (options: Values<O>) => boolean
  open(context: OpenContext<Values<O>>): MaybePromise<Instance>
}

/** Makes a driver of its declaration. */
export function defineDriver<const O extends Members>(definition: DriverDefinition<O>): Driver {
  const erased = {
    features: [],
    memberOrder: undefined,
    strongOptions: [],
    legacy: undefined,
    strict: false,
    childrenFirst: true,
    addsChildren: false,
    agreement: undefined,
    check: undefined,
    claims: undefined,
    filename: undefined,
    namedAs: undefined,
    needsFilename: false,
    reopenable: [],
    resettable: definition.reopenable ?? [],
    unrestatable: [],
    probe: undefined,
    prefixes: {},
    nestsOptions: false,
    hasNames: Object.keys(definition.prefixes ?? {}).length > 0,
    create: undefined,
    imageOptions: undefined,
    imageIsFile: false,
    startsZeroed: false,
    takesCompressed: false,
    access: 'any',
    waitsForNobody: definition.kind !== 'protocol',
    forwardsBitmaps: () => definition.kind === 'filter',
    ...definition,
  }
  // The graph hands every driver options that were checked against this very declaration.
  return erased as unknown as Driver
}

interface FilterDefinition<O extends Members> extends Conditional {
  readonly name: string
  readonly doc: string
  readonly options: O
  readonly features?: readonly Feature[]
  /** Name of the child that shows through; `file` unless said otherwise. */
  readonly filtered?: string
  /** Children besides the one that shows through. */
  readonly children?: Children
  readonly memberOrder?: readonly string[]
  readonly strongOptions?: readonly (keyof O & string)[]
  readonly reopenable?: readonly (keyof O & string)[]
  readonly resettable?: readonly (keyof O & string)[]
  readonly prefixes?: Prefixes
  readonly filename?: (query: NamingQuery<Values<O>>) => string | undefined
  readonly namedAs?: string
  readonly claims?: (query: ClaimsQuery<Values<O>>) => Claims
  readonly takesCompressed?: boolean
  /** It has no way of flushing of its own: the node below is flushed where it is written to. */
  readonly flushesPlainly?: boolean
  open(next: Child, context: OpenContext<Values<O>>): MaybePromise<Partial<Instance>>
}

/** A filter over one child. What `open` does not return passes through unchanged. */
export function defineFilter<const O extends Members>(definition: FilterDefinition<O>): Driver {
  const { filtered = 'file', children = {}, flushesPlainly = false, ...rest } = definition
  return defineDriver<O>({
    ...rest,
    kind: 'filter',
    children: {
      [filtered]: { doc: 'The node below.', role: { filtered: true, primary: true } },
      ...children,
    },
    open(context) {
      const next = context.children.get(filtered)
      if (next === undefined) throw new Error('a filter opens with its child attached')
      const merge = (own: Partial<Instance>): Instance => ({
        ...passThrough(next),
        ...(flushesPlainly ? {} : { flush: () => next.flush() }),
        ...own,
      })
      const own = definition.open(next, context)
      return own instanceof Promise ? own.then(merge) : merge(own)
    },
  })
}

/** The instance that shows a child as it is. */
function passThrough(next: Child): Instance {
  return {
    length: () => next.length(),
    read: (offset, into, flags) => next.read(offset, into, flags),
    write: (offset, data, flags) => next.write(offset, data, flags),
    zero: (offset, bytes, flags) => next.zero(offset, bytes, flags),
    discard: (offset, bytes) => next.discard(offset, bytes),
    status: (offset, bytes, query) => next.status(offset, bytes, query),
    truncate: (bytes, options) => next.truncate(bytes, options),
    info: () => {
      // What is special about a format concerns its own node only.
      const { specific: _, ...shown } = next.info()
      return shown
    },
    get supports() {
      const fua = next.supportsFua()
      const unmapZero = next.supportsUnmapZero()
      return { fua, unchanged: true, unmapZero, fastZero: next.supportsFastZero() }
    },
  }
}

/** What a node tells of its image that is its child's: all but what is peculiar to the format. */
export function infoBelow(next: Child): InstanceInfo {
  const { specific: _, ...info } = next.info()
  return info
}
