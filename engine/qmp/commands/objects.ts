/** Commands about objects that clients create. */
import { checkMember } from '../../block/check.ts'
import type { Schema, Union } from '../../block/option.ts'
import { opt, shape } from '../../block/option.ts'
import type { Json } from '../../util/json.ts'
import type { Command } from '../command.ts'
import { defineCommand, defineUnionCommand } from '../command.ts'
import { inListOrder, placeAt, propertyValue, settableProperty } from '../object-tree.ts'
import type { ObjectType } from '../objects.ts'

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

const PATH = opt.str({ doc: 'Path of the object, or the end of one.' })
const PROPERTY = opt.str({ doc: 'Name of the property.' })

const qomList = defineCommand({
  name: 'qom-list',
  doc: 'The properties of an object.',
  args: { path: PATH },
  returns: shape.list(PROPERTY_INFO),
  run({ engine }, { path }) {
    const place = placeAt(path, engine)
    const types = new Map<string, string>()
    for (const [name, part] of place.parts) types.set(name, `child<${part.typeName}>`)
    for (const [name, property] of place.properties) types.set(name, property.type)
    return [
      { name: 'type', type: 'string' },
      ...inListOrder(types.keys()).map((name) => ({ name, type: types.get(name) })),
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
    // Members declared as `any` come as they were parsed.
    target.set(checkMember(property, target.schema, value as Json))
  },
})

export function objectCommands(types: readonly ObjectType[]): readonly Command[] {
  return [objectAdd(types), objectDel, qomList, qomGet, qomSet]
}
