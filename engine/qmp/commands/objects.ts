/** Commands about objects that clients create. */
import { checkMember } from '../../block/check.ts'
import type { Schema, Union } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import { BlockError } from '../../util/errors.ts'
import type { Json } from '../../util/json.ts'
import { NameTable } from '../../util/name-table.ts'
import type { Command, CommandContext } from '../command.ts'
import { defineCommand, defineUnionCommand } from '../command.ts'
import type { ObjectProperty, ObjectType } from '../objects.ts'

/** Arguments of `object-add`; also what `--object` takes. */
export function objectOptions(types: readonly ObjectType[]): Union {
  return {
    kind: 'union',
    name: 'ObjectOptions',
    tag: 'qom-type',
    base: {
      'qom-type': opt.enum(
        'ObjectType',
        types.map(({ name }) => name),
      )({ doc: 'Type of the object.' }),
      id: opt.str({ doc: 'Name of the new object.' }),
    },
    variants: Object.fromEntries(types.map(({ name, properties }) => [name, properties])),
  }
}

function objectAdd(types: readonly ObjectType[]): Command {
  return defineUnionCommand({
    name: 'object-add',
    doc: 'Creates an object.',
    args: objectOptions(types),
    run({ engine }, { 'qom-type': type, id, ...properties }) {
      engine.objects.add(String(type), String(id), properties)
    },
  })
}

const objectDel = defineCommand({
  name: 'object-del',
  doc: 'Deletes an object that nobody uses.',
  args: { id: opt.str({ doc: 'Name of the object.' }) },
  run({ engine }, { id }) {
    engine.objects.remove(id)
  },
})

const PROPERTY_INFO: Schema = shape.struct('ObjectPropertyInfo', {
  name: opt.str({ doc: 'Name of the property.' }),
  type: opt.str({ doc: 'Its type; `child<…>` for a part.' }),
  description: opt.str({ optional: true, doc: 'For people.' }),
  'default-value': opt.any({ optional: true, doc: 'Value of a new object.' }),
})

/** A place in the tree of objects: its type and what `qom-list` tells of it. */
interface Place {
  readonly typeName: string
  readonly parts: readonly { readonly name: string; readonly type: string }[]
  readonly properties: ReadonlyMap<string, ObjectProperty>
}

const NO_PROPERTIES: ReadonlyMap<string, ObjectProperty> = new Map()

/** @throws {BlockError} where nothing is there. */
function placeAt(path: string, { engine }: CommandContext): Place {
  const container = (parts: Place['parts']): Place => ({
    typeName: 'container',
    parts,
    properties: NO_PROPERTIES,
  })
  const names = path.split('/').filter((name) => name !== '')
  if (path.startsWith('/')) {
    if (names.length === 0) return container([part('objects', 'container')])
    if (names[0] !== 'objects') throw notFound(path)
    if (names.length === 1) {
      const ids = inTableOrder(engine.objects.ids())
      return container(
        ids.map((id) => part(id, engine.objects.findOrUndefined(id)?.type.name ?? '')),
      )
    }
  }
  const entry = engine.objects.findOrUndefined(names.at(-1) ?? '')
  const depth = path.startsWith('/') ? 2 : 1
  if (entry === undefined || names.length !== depth) throw notFound(path)
  return { typeName: entry.type.name, parts: [], properties: entry.object.properties }
}

function part(name: string, type: string): { name: string; type: string } {
  return { name, type: `child<${type}>` }
}

/** QEMU walks its table and puts each name before those it has found. */
function inTableOrder(names: readonly string[]): string[] {
  const table = new NameTable()
  for (const name of names) table.add(name)
  return table.names().toReversed()
}

function notFound(path: string): BlockError {
  return new BlockError(`Device '${path}' not found`, { class: 'DeviceNotFound' })
}

const qomList = defineCommand({
  name: 'qom-list',
  doc: 'The properties of an object.',
  args: { path: opt.str({ doc: 'Path of the object.' }) },
  returns: shape.list(PROPERTY_INFO),
  run(context, { path }) {
    const place = placeAt(path, context)
    const properties = inTableOrder([...place.properties.keys()]).map((name) => ({
      name,
      type: place.properties.get(name)?.type,
    }))
    return [{ name: 'type', type: 'string' }, ...place.parts, ...properties]
  },
})

function propertyAt(context: CommandContext, path: string, name: string): ObjectProperty {
  const place = placeAt(path, context)
  const property = place.properties.get(name)
  if (property !== undefined) return property
  throw new BlockError(`Property '${place.typeName}.${name}' not found`)
}

const PATH = opt.str({ doc: 'Path of the object.' })
const PROPERTY = opt.str({ doc: 'Name of the property.' })

const qomGet = defineCommand({
  name: 'qom-get',
  doc: 'Reads a property of an object.',
  args: { path: PATH, property: PROPERTY },
  returns: shape.any,
  run(context, { path, property }) {
    if (property === 'type') return placeAt(path, context).typeName
    return propertyAt(context, path, property).get()
  },
})

const qomSet = defineCommand({
  name: 'qom-set',
  doc: 'Sets a property of an object.',
  args: { path: PATH, property: PROPERTY, value: opt.any({ doc: 'Its new value.' }) },
  run(context, { path, property, value }) {
    const target = propertyAt(context, path, property)
    // Members declared as `any` come as they were parsed.
    target.set(checkMember(property, target.schema, value as Json))
  },
})

export function objectCommands(types: readonly ObjectType[]): readonly Command[] {
  return [objectAdd(types), objectDel, qomList, qomGet, qomSet]
}
