/** The tree of objects as clients walk it: by path from the root, or by the end of a path. */
import { BlockError } from '../util/errors.ts'
import { NameTable } from '../util/name-table.ts'
import type { ObjectProperty } from './objects.ts'
import type { EngineParts } from './parts.ts'

export interface Place {
  readonly path: string
  readonly typeName: string
  /** What lies in it, by name. */
  readonly parts: ReadonlyMap<string, Place>
  readonly properties: ReadonlyMap<string, ObjectProperty>
  /** Those of them that it has from the parent of its type. */
  readonly inherited: readonly string[]
}

const NOTHING: ReadonlyMap<string, never> = new Map<string, never>()

/** @throws {BlockError} where nothing, or more than one thing, is meant; 7.2 makes no difference. */
export function placeAt(path: string, engine: EngineParts): Place {
  const [place, ...others] = placesThatFit(path, allPlaces(rootOf(engine)))
  // An empty end fits everything.
  if (place !== undefined && others.length === 0 && path !== '') return place
  throw new BlockError(`Device '${path}' not found`, { class: 'DeviceNotFound' })
}

/** @throws {BlockError} as `placeAt` does, but says which of both it is. */
export function listedPlaceAt(path: string, engine: EngineParts): Place {
  const isAmbiguous = path === '' || placesThatFit(path, allPlaces(rootOf(engine))).length > 1
  if (isAmbiguous) throw new BlockError(`Path '${path}' is ambiguous`)
  return placeAt(path, engine)
}

/**
 * The one object of the type that the path, or the end of one, means; nothing where it means none
 * or several. An empty one fits all of them, so that it means the only one that there is.
 */
export function findObject(typeName: string, path: string, engine: EngineParts): Place | undefined {
  const objects = allPlaces(rootOf(engine)).filter((place) => place.typeName === typeName)
  const [place, ...others] = placesThatFit(path, objects)
  return others.length === 0 ? place : undefined
}

/** @throws {BlockError} where the place has no such property or lets nobody set it. */
export function settableProperty(place: Place, name: string): ObjectProperty {
  const property = place.properties.get(name)
  if (property !== undefined && property.readOnly !== true) return property
  const readOnly = property !== undefined || name === 'type' || place.parts.has(name)
  throw new BlockError(
    `Property '${place.typeName}.${name}' ${readOnly ? 'is not writable' : 'not found'}`,
  )
}

/** The value of any property; that of a part is its path. */
export function propertyValue(place: Place, name: string): unknown {
  if (name === 'type') return place.typeName
  const part = place.parts.get(name)
  if (part !== undefined) return part.path
  return (place.properties.get(name) ?? settableProperty(place, name)).get()
}

function placesThatFit(path: string, places: readonly Place[]): readonly Place[] {
  // Slashes more than are needed mean nothing.
  const names = path.split('/').filter((name) => name !== '')
  const end = names.map((name) => `/${name}`).join('')
  return places.filter((place) =>
    path.startsWith('/') ? place.path === (end || '/') : place.path.endsWith(end),
  )
}

function rootOf(engine: EngineParts): Place {
  const chardevs = engine.chardevs.map(({ label, backend }) =>
    leaf(`/chardevs/${label}`, `chardev-${backend}`, NOTHING),
  )
  const objects = engine.objects.entries().map(([id, { type, object }]) => ({
    ...leaf(`/objects/${id}`, type.name, object.properties),
    inherited: type.parent?.properties ?? [],
  }))
  // A container comes into being with the first thing that is put into it, and stays.
  return container('/', [
    ...(chardevs.length === 0 ? [] : [container('/chardevs', chardevs)]),
    ...(engine.objects.used ? [container('/objects', objects)] : []),
  ])
}

function leaf(path: string, typeName: string, properties: Place['properties']): Place {
  return { path, typeName, parts: NOTHING, properties, inherited: [] }
}

function container(path: string, parts: readonly Place[]): Place {
  return {
    path,
    typeName: 'container',
    parts: new Map(parts.map((part) => [part.path.slice(part.path.lastIndexOf('/') + 1), part])),
    properties: NOTHING,
    inherited: [],
  }
}

function allPlaces(place: Place): Place[] {
  return [place, ...[...place.parts.values()].flatMap(allPlaces)]
}

/** Each type of object has a table of its own; those of the parent come first. */
export function propertiesInOrder(properties: Place['properties'], inherited: readonly string[]) {
  const [theirs, own] = [true, false].map((isTheirs) =>
    inListOrder([...properties.keys()].filter((name) => inherited.includes(name) === isTheirs)),
  )
  return [...(theirs ?? []), ...(own ?? [])].map((name) => ({
    name,
    type: properties.get(name)?.type,
  }))
}

/** QEMU walks its table and puts each name before those it has found. */
export function inListOrder(names: Iterable<string>): string[] {
  const table = new NameTable()
  for (const name of names) table.add(name)
  return table.names().toReversed()
}
