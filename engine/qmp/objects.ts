/** Objects that clients create: by type, by id, with properties that can be listed, read and set. */
import type { Members, Schema } from '../block/option.ts'
import type { Files } from '../host/host.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { checkIdentifier } from '../util/identifier.ts'

export interface ObjectType {
  readonly name: string
  readonly doc: string
  /** What `object-add` takes besides type and id. */
  readonly properties: Members
  /** What it has in common with other types, by a name of its own. */
  readonly parent?: { readonly name: string; readonly properties: readonly string[] }
  /** Checks each property and makes one; it is not yet known by its id. */
  create(id: string, given: Readonly<Record<string, unknown>>, host: ObjectHost): UserObject
}

/** What objects may reach. */
export interface ObjectHost {
  readonly files: Files
  readonly objectOrUndefined: (
    id: string,
  ) => { readonly type: string; readonly instance: unknown } | undefined
}

export interface UserObject {
  /** What drivers get that ask for the object; its module knows its type. */
  readonly instance: unknown
  readonly properties: ReadonlyMap<string, ObjectProperty>
  isInUse(): boolean
  /** It has its id; now the properties must fit together, or it loses it again. */
  complete?(): MaybePromise<void>
  /** It is complete. */
  added?(): void
  removed?(): void
}

export interface ObjectProperty {
  /** As `qom-list` names it. */
  readonly type: string
  readonly schema: Schema
  readonly readOnly?: boolean
  /** Why it cannot be set any more; nobody looks at the value then. */
  readonly settled?: string
  get(): unknown
  /** Takes a checked value. */
  set(value: unknown): void
}

export interface Entry {
  readonly type: ObjectType
  readonly object: UserObject
}

/** Types that are in a list of their own, in which they are looked for. */
const LISTED_APART: readonly string[] = ['throttle-group']

/** What an object of another type is not. */
const PHRASES: Readonly<Record<string, string>> = {
  'pr-manager': 'a persistent reservation manager',
  'tls-creds': 'TLS credentials',
}

export class Objects {
  readonly types: readonly ObjectType[]
  readonly #host: ObjectHost
  readonly #entries = new Map<string, Entry>()
  /** Whether an object was ever added, or looked for by its place. */
  used = false

  constructor(types: readonly ObjectType[], files: Files) {
    this.types = types
    this.#host = {
      files,
      objectOrUndefined: (id) => {
        const entry = this.#entries.get(id)
        return entry && { type: entry.type.name, instance: entry.object.instance }
      },
    }
  }

  /** A new object as `qom-list-properties` needs one, known to nobody. */
  specimen(type: ObjectType): UserObject {
    return type.create('', {}, this.#host)
  }

  async add(typeName: string, id: string, given: Readonly<Record<string, unknown>>): Promise<void> {
    checkIdentifier('id', id)
    const type = this.types.find(({ name }) => name === typeName)
    if (type === undefined) throw new BlockError(`invalid object type: ${typeName}`)
    const object = type.create(id, given, this.#host)
    if (this.#entries.has(id)) {
      throw new BlockError(`attempt to add duplicate property '${id}' to object (type 'container')`)
    }
    this.used = true
    // It can already be found by its id when it is completed, even by itself.
    this.#entries.set(id, { type, object })
    try {
      await object.complete?.()
    } catch (error) {
      this.#entries.delete(id)
      throw error
    }
    object.added?.()
  }

  remove(id: string): void {
    this.used = true
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new BlockError(`object '${id}' not found`)
    if (entry.object.isInUse()) {
      throw new BlockError(`object '${id}' is in use, can not be deleted`)
    }
    this.#entries.delete(id)
    entry.object.removed?.()
  }

  entries(): readonly (readonly [id: string, entry: Entry])[] {
    return [...this.#entries]
  }

  /**
   * The object of this type with this id, for drivers.
   *
   * @throws {BlockError} where it is of another type, for types that are looked for by their place.
   */
  instance(typeName: string, id: string): unknown {
    const entry = this.#entries.get(id)
    const isOfType = entry?.type.name === typeName
    if (!LISTED_APART.includes(typeName)) {
      this.used = true
      if (entry !== undefined && !isOfType) {
        throw new BlockError(`Object with id '${id}' is not ${PHRASES[typeName] ?? typeName}`)
      }
    }
    return isOfType ? entry.object.instance : undefined
  }
}
