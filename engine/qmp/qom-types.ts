/** The types of objects as a tree: what can be made, what that is a kind of, what is always there. */
import { BlockError } from '../util/errors.ts'
import type { Place } from './object-tree.ts'
import { inListOrder } from './object-tree.ts'
import type { ObjectType } from './objects.ts'
import type { EngineParts } from './parts.ts'

export interface QomType {
  readonly name: string
  readonly parent: string | undefined
  /** No object has it itself. */
  readonly abstract: boolean
  /** Interfaces that it has besides those of its parent. */
  readonly interfaces: readonly string[]
}

const USER_CREATABLE = 'user-creatable'
const INTERFACE = 'interface'

/** Types that no client can make objects of; character devices come from the command line. */
const BUILT_IN: readonly QomType[] = [
  { name: 'object', parent: undefined, abstract: true, interfaces: [] },
  { name: INTERFACE, parent: undefined, abstract: true, interfaces: [] },
  { name: USER_CREATABLE, parent: INTERFACE, abstract: true, interfaces: [] },
  { name: 'container', parent: 'object', abstract: false, interfaces: [] },
  { name: 'chardev', parent: 'object', abstract: true, interfaces: [] },
  { name: 'chardev-fd', parent: 'chardev', abstract: true, interfaces: [] },
  { name: 'chardev-null', parent: 'chardev', abstract: false, interfaces: [] },
  { name: 'chardev-socket', parent: 'chardev', abstract: false, interfaces: [] },
  { name: 'chardev-stdio', parent: 'chardev-fd', abstract: false, interfaces: [] },
]

/** The type itself and all that are kinds of it, in the order in which QEMU would walk them. */
export function typesThatAre(
  ancestor: string,
  objectTypes: readonly ObjectType[],
): readonly QomType[] {
  const types = allTypes(objectTypes)
  return inListOrder(types.keys()).flatMap((name) => {
    const type = types.get(name)
    return type !== undefined && ancestorsOf(type, types).has(ancestor) ? [type] : []
  })
}

/** @throws {BlockError} where there is no such type, or none that objects can have. */
export function typeProperties(
  name: string,
  { objects, objectTypes }: EngineParts,
): Pick<Place, 'properties' | 'inherited'> {
  const types = allTypes(objectTypes)
  const found = types.get(name)
  if (found === undefined) {
    throw new BlockError(`Class '${name}' not found`, { class: 'DeviceNotFound' })
  }
  if (!ancestorsOf(found, types).has('object')) {
    throw new BlockError("Parameter 'typename' expects a QOM type")
  }
  const type = objectTypes.find((each) => each.name === name || each.parent?.name === name)
  if (type === undefined) return { properties: new Map(), inherited: [] }
  const { properties } = objects.specimen(type)
  const inherited = type.parent?.properties ?? []
  if (type.name === name) return { properties, inherited }
  const theirs = [...properties].filter(([each]) => inherited.includes(each))
  return { properties: new Map(theirs), inherited: [] }
}

function allTypes(objectTypes: readonly ObjectType[]): ReadonlyMap<string, QomType> {
  const interfaces = [USER_CREATABLE]
  const made = objectTypes.flatMap(({ name, parent }): QomType[] => [
    { name, parent: parent?.name ?? 'object', abstract: false, interfaces },
    ...(parent === undefined
      ? []
      : [{ name: parent.name, parent: 'object', abstract: true, interfaces }]),
  ])
  return new Map([...BUILT_IN, ...made].map((type) => [type.name, type]))
}

/** Itself, what it is a kind of, and their interfaces. */
function ancestorsOf(type: QomType, types: ReadonlyMap<string, QomType>): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (name: string | undefined): void => {
    const next = types.get(name ?? '')
    if (next === undefined) return
    found.add(next.name)
    visit(next.parent)
    for (const each of next.interfaces) visit(each)
  }
  visit(type.name)
  return found
}
