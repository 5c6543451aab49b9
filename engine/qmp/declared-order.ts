/**
 * Members of a result in the order of their declaration. QEMU inserts them so, and where two names
 * share a bucket of its tables that order shows on the wire.
 */
import type { Member, Members, Schema } from '../block/option.ts'

export type Plain = Readonly<Record<string, unknown>>

/** Whether a declared member is told at all. */
export type Shown = (member: Member) => boolean

export const ALL: Shown = () => true

/** The same value; members that are not declared come last. */
export function inDeclaredOrder(schema: Schema, value: unknown, shown: Shown = ALL): unknown {
  switch (schema.kind) {
    case 'later':
      return inDeclaredOrder(schema.schema(), value, shown)
    case 'list':
      return Array.isArray(value)
        ? value.map((element: unknown) => inDeclaredOrder(schema.of, element, shown))
        : value
    case 'struct':
      return isPlain(value) ? membersInOrder(schema.members, value, shown) : value
    case 'union': {
      if (!isPlain(value)) return value
      const variant = schema.variants[String(value[schema.tag])] ?? {}
      return membersInOrder({ ...schema.base, ...variant }, value, shown)
    }
    default:
      return value
  }
}

export function membersInOrder(members: Members, value: Plain, shown: Shown = ALL): Plain {
  const ordered: Record<string, unknown> = {}
  // Names alone: every answer comes by here, and pairs of names and members would be made for each.
  for (const name of Object.keys(members)) {
    const member = members[name]
    if (member === undefined || !(name in value) || !shown(member)) continue
    ordered[name] = inDeclaredOrder(member.schema, value[name], shown)
  }
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(members, name)) ordered[name] = value[name]
  }
  return ordered
}

export function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
