/** Commands about objects that clients create. */
import { checkMember } from '../../block/check.ts'
import type { Schema, Union } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import { BlockError } from '../../util/errors.ts'
import type { Json } from '../../util/json.ts'
import type { Command } from '../command.ts'
import { defineCommand, defineUnionCommand } from '../command.ts'
import {
  inListOrder,
  listedPlaceAt,
  placeAt,
  propertiesInOrder,
  propertyValue,
  settableProperty,
} from '../object-tree.ts'
import type { ObjectType } from '../objects.ts'
import { typeProperties, typesThatAre } from '../qom-types.ts'

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
    run: ({ engine }, { 'qom-type': type, id, ...properties }) =>
      engine.objects.add(String(type), String(id), properties),
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

const PATH = opt.str({ doc: 'Path of the object, or the end of one.' })
const PROPERTY = opt.str({ doc: 'Name of the property.' })

const qomList = defineCommand({
  name: 'qom-list',
  doc: 'The properties of an object.',
  args: { path: PATH },
  returns: shape.list(PROPERTY_INFO),
  run({ engine }, { path }) {
    const place = listedPlaceAt(path, engine)
    return [
      { name: 'type', type: 'string' },
      ...propertiesInOrder(place.properties, place.inherited),
      ...inListOrder(place.parts.keys()).map((name) => ({
        name,
        type: `child<${place.parts.get(name)?.typeName ?? ''}>`,
      })),
    ]
  },
})

const qomGet = defineCommand({
  name: 'qom-get',
  doc: 'Reads a property of an object.',
  args: { path: PATH, property: PROPERTY },
  returns: shape.any,
  run: ({ engine }, { path, property }) => propertyValue(placeAt(path, engine), property),
})

const qomSet = defineCommand({
  name: 'qom-set',
  doc: 'Sets a property of an object.',
  args: { path: PATH, property: PROPERTY, value: opt.any({ doc: 'Its new value.' }) },
  run({ engine }, { path, property, value }) {
    const target = settableProperty(placeAt(path, engine), property)
    if (target.settled !== undefined) throw new BlockError(target.settled)
    // Members declared as `any` come as they were parsed.
    target.set(checkMember(property, target.schema, value as Json))
  },
})

const qomListTypes = defineCommand({
  name: 'qom-list-types',
  doc: 'The types of objects.',
  args: {
    implements: opt.str({ optional: true, doc: 'Only those that are of this type too.' }),
    abstract: opt.bool({ optional: true, doc: 'Also those that no object has itself.' }),
  },
  returns: shape.list(
    shape.struct('ObjectTypeInfo', {
      name: opt.str({ doc: 'Name of the type.' }),
      abstract: opt.bool({ optional: true, doc: 'No object has it itself.' }),
      parent: opt.str({ optional: true, doc: 'The type that it is a kind of.' }),
    }),
  ),
  run: ({ engine }, { implements: ancestor = 'object', abstract = false }) =>
    typesThatAre(ancestor, engine.objectTypes)
      .filter((type) => abstract || !type.abstract)
      .map((type) => ({
        name: type.name,
        parent: type.parent,
        ...(type.abstract ? { abstract: true } : {}),
      })),
})

const qomListProperties = defineCommand({
  name: 'qom-list-properties',
  doc: 'The properties that objects of a type have.',
  args: { typename: opt.str({ doc: 'Name of the type.' }) },
  returns: shape.list(PROPERTY_INFO),
  run: ({ engine }, { typename }) => {
    const { properties, inherited } = typeProperties(typename, engine)
    return [{ name: 'type', type: 'string' }, ...propertiesInOrder(properties, inherited)]
  },
})

export function objectCommands(types: readonly ObjectType[]): readonly Command[] {
  return [qomList, qomGet, qomSet, qomListTypes, qomListProperties, objectAdd(types), objectDel]
}
