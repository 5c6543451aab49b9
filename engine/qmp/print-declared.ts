/**
 * Prints a result by its declaration. What order its members come in is worked out once for each
 * declaration, and not for each value: replies are most of what a monitor has to do.
 */
import { entriesOf, type Member, type Members, type Schema, type Union } from '../block/option.ts'
import { labelText, PrintedJson, printJson } from '../util/json.ts'
import { inKeyOrder } from '../util/key-order.ts'
import { ALL, inDeclaredOrder, isPlain, type Plain, type Shown } from './declared-order.ts'

interface Place {
  readonly name: string
  /** As it is printed before the value. */
  readonly label: string
  readonly member: Member
}

/** As `printJson(inDeclaredOrder(…))`, in the compact form. */
export function printDeclared(schema: Schema, value: unknown, shown: Shown = ALL): string {
  switch (schema.kind) {
    case 'later':
      return printDeclared(schema.schema(), value, shown)
    case 'list':
      return Array.isArray(value) ? printElements(schema.of, value, shown) : printJson(value)
    case 'struct':
      return isDeclared(value)
        ? printMembers(schema, schema.members, value, shown)
        : printJson(value)
    case 'union':
      return isDeclared(value)
        ? printMembers(schema, variantOf(schema, value), value, shown)
        : printJson(value)
    default:
      return printJson(value)
  }
}

function isDeclared(value: unknown): value is Plain {
  return isPlain(value) && !(value instanceof PrintedJson)
}

function printElements(of: Schema, values: readonly unknown[], shown: Shown): string {
  let text = ''
  for (const value of values) {
    text += text === '' ? '[' : ', '
    text += printDeclared(of, value, shown)
  }
  return text === '' ? '[]' : `${text}]`
}

function printMembers(schema: Schema, members: Members, value: Plain, shown: Shown): string {
  let text = ''
  let told = 0
  for (const { name, label, member } of placesOf(members)) {
    const part = value[name]
    if (part === undefined) continue
    told += 1
    if (!shown(member)) continue
    text += text === '' ? '{' : ', '
    text += label
    text += printDeclared(member.schema, part, shown)
  }
  // What nobody declared has its place in the order, too.
  if (told < countOf(value)) return printJson(inDeclaredOrder(schema, value, shown))
  return text === '' ? '{}' : `${text}}`
}

function countOf(value: Plain): number {
  let count = 0
  for (const name in value) if (value[name] !== undefined) count += 1
  return count
}

const PLACES = new WeakMap<Members, readonly Place[]>()

function placesOf(members: Members): readonly Place[] {
  const known = PLACES.get(members)
  if (known !== undefined) return known
  const made = inKeyOrder(entriesOf(members)).map(([name, member]) => ({
    name,
    label: labelText(name),
    member,
  }))
  PLACES.set(members, made)
  return made
}

const VARIANTS = new WeakMap<Union, Map<string, Members>>()

function variantOf(schema: Union, value: Plain): Members {
  const known = VARIANTS.get(schema) ?? new Map<string, Members>()
  VARIANTS.set(schema, known)
  // A tag that is none is that of no variant.
  const tag = String(value[schema.tag])
  const variant = schema.variants[tag]
  if (variant === undefined) return schema.base
  const members = known.get(tag) ?? { ...schema.base, ...variant }
  known.set(tag, members)
  return members
}
