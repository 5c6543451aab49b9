/** `img create --schema`: what can be said of new images, for every driver that makes some. */
import { driversIn } from '../../block/in-profile.ts'
import type { Driver } from '../../block/driver.ts'
import type { Members, Schema } from '../../block/option.ts'
import { DRIVERS } from '../../drivers/index.ts'
import { PROFILES, type ProfileName } from '../../profiles/index.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * By driver: `create`, the members of `blockdev-create` beside `driver`, in whose types everything
 * stands in its place; and `options`, what `-o` takes.
 */
export function creationSchema(profile: ProfileName): Json {
  const makers = driversIn(PROFILES[profile], DRIVERS).filter(
    ({ create, imageOptions }) => create !== undefined || imageOptions !== undefined,
  )
  const sorted = makers.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  return Object.fromEntries(sorted.map((driver) => [driver.name, describe(driver)]))
}

function describe({ create, imageOptions = [] }: Driver): Json {
  const file = { name: 'file', type: 'BlockdevRef', optional: false, doc: 'The node to write to.' }
  const own = create === undefined ? [] : membersOf(create.options)
  return {
    create: create?.needsFile === true ? [file, ...own] : own,
    options: imageOptions.map(({ name, type, help, default: value }) => ({
      name,
      type,
      ...(value === undefined ? {} : { default: value }),
      help,
    })),
  }
}

function membersOf(members: Members): Json[] {
  return Object.entries(members).map(([name, { schema, optional, doc }]) => ({
    name,
    ...typeOf(schema),
    optional,
    doc,
  }))
}

function typeOf(schema: Schema): Json {
  switch (schema.kind) {
    case 'str':
    case 'bool':
    case 'number':
    case 'null':
    case 'any':
      return { type: schema.kind }
    case 'int':
      return { type: schema.name }
    case 'enum': {
      const values = schema.values.map(({ name }) => name)
      return { type: schema.name, ...(values.length === 0 ? {} : { values }) }
    }
    case 'list':
      return { type: 'list', of: typeOf(schema.of) }
    case 'struct':
      return { type: schema.name, members: membersOf(schema.members) }
    case 'union':
      return {
        type: schema.name,
        tag: schema.tag,
        members: membersOf(schema.base),
        variants: Object.fromEntries(
          Object.entries(schema.variants).map(([tag, members]) => [tag, membersOf(members)]),
        ),
      }
    case 'alternate':
      return { type: schema.name, alternatives: schema.branches.map(typeOf) }
    case 'later':
      return typeOf(schema.schema())
  }
}
