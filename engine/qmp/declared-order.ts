/**
 * Members of a result in the order of their declaration. QEMU inserts them so, and where two names
 * share a bucket of its tables that order shows on the wire.
 */
import type { Members, Schema } from '../block/option.ts'

type Plain = Readonly<Record<string, unknown>>

/** The same value; members that are not declared come last. */
export function inDeclaredOrder(schema: Schema, value: unknown): unknown {
  switch (schema.kind) {
    case 'later':
      return inDeclaredOrder(schema.schema(), value)
    case 'list':
      return Array.isArray(value)
        ? value.map((element: unknown) => inDeclaredOrder(schema.of, element))
        : value
    case 'struct':
      return isPlain(value) ? membersInOrder(schema.members, value) : value
    case 'union': {
      if (!isPlain(value)) return value
      const variant = schema.variants[String(value[schema.tag])] ?? {}
      return membersInOrder({ ...schema.base, ...variant }, value)
    }
    default:
      return value
  }
}

export function membersInOrder(members: Members, value: Plain): Plain {
  const ordered: Record<string, unknown> = {}
  for (const [name, { schema }] of Object.entries(members)) {
    if (name in value) ordered[name] = inDeclaredOrder(schema, value[name])
  }
  return { ...ordered, ...without(value, ordered) }
}

function without(value: Plain, others: Plain): Plain {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !(name in others)))
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
