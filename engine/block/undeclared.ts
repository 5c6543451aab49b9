/**
 * Which of several undeclared members a complaint names: QEMU keeps the given names in a hash
 * table, takes the declared ones out as it checks them, and names the first that is left.
 */
import { inKeyOrder } from '../util/key-order.ts'
import { NameTable } from '../util/name-table.ts'

/** More names than this are not worth the exact order. */
const MAX_NAMES = 10_000

/** @param declared - In the order in which they are checked. */
export function firstUndeclared(
  declared: readonly string[],
  given: Iterable<string>,
): string | undefined {
  const names = [...given]
  const known = new Set(declared)
  const undeclared = names.filter((name) => !known.has(name))
  if (undeclared.length < 2 || names.length > MAX_NAMES) return undeclared[0]
  const table = new NameTable()
  for (const [name] of inKeyOrder(names.map((name) => [name, undefined] as const))) table.add(name)
  for (const name of declared) table.remove(name)
  return table.names()[0]
}
