/** Lists of objects and their properties on standard output. */
import type { Schema } from '../../block/option.ts'
import type { ObjectType } from '../../qmp/objects.ts'

export function objectHelp(types: readonly ObjectType[]): string {
  const names = types.map(({ name }) => `  ${name}\n`).sort()
  return `List of user creatable objects:\n${names.join('')}`
}

export function objectTypeHelp(type: ObjectType): string {
  const lines = Object.entries(type.properties).map(
    ([name, { schema }]) => `  ${name}=<${typeText(schema)}>\n`,
  )
  return `${type.name} options:\n${lines.sort().join('')}`
}

function typeText(schema: Schema): string {
  switch (schema.kind) {
    case 'struct':
    case 'enum':
    case 'union':
    case 'alternate':
      return schema.name
    case 'later':
      return typeText(schema.schema())
    default:
      return schema.kind
  }
}
