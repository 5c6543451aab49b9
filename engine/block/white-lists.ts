/** White lists of drivers: which may be used, and for what. */
import { BlockError } from '../util/errors.ts'
import type { Driver } from './declaration.ts'
import type { NodeFlags } from './info.ts'

/** Names of drivers; all may be used for everything where both lists are empty. */
export interface WhiteLists {
  /** Those that may write. */
  readonly rw: readonly string[]
  /** Those that may be read. */
  readonly ro: readonly string[]
}

export const NO_LISTS: WhiteLists = { rw: [], ro: [] }

/** What comes of no lists, by the names that are only read. */
const UNLISTED = new WeakMap<readonly Driver[], Map<readonly string[], readonly Driver[]>>()

/** @param readOnly - Drivers that are only read where there are no lists. */
export function listedDrivers(
  drivers: readonly Driver[],
  lists: WhiteLists,
  readOnly: readonly string[],
): readonly Driver[] {
  if (lists.rw.length + lists.ro.length > 0) return limited(drivers, lists, readOnly)
  if (!drivers.some(({ name }) => readOnly.includes(name))) return drivers
  // Many engines are made one after the other, and what is derived of drivers is kept by their list.
  const made = UNLISTED.get(drivers) ?? new Map<readonly string[], readonly Driver[]>()
  UNLISTED.set(drivers, made)
  const known = made.get(readOnly) ?? limited(drivers, lists, readOnly)
  made.set(readOnly, known)
  return known
}

function limited(
  drivers: readonly Driver[],
  { rw, ro }: WhiteLists,
  readOnly: readonly string[],
): readonly Driver[] {
  const areListed = rw.length + ro.length > 0
  return drivers.map((driver) => {
    const { name } = driver
    if (areListed ? rw.includes(name) : !readOnly.includes(name)) return driver
    const access = !areListed || ro.includes(name) ? 'read-only' : 'none'
    return { ...driver, access, create: undefined }
  })
}

/** @throws {BlockError} for names of no driver. */
export function checkLists(drivers: readonly Driver[], { rw, ro }: WhiteLists): void {
  for (const name of [...rw, ...ro]) {
    if (drivers.some((driver) => driver.name === name)) continue
    throw new BlockError(`Unknown driver '${name}'`)
  }
}

/** Whether a node of the driver must not write. @throws {BlockError} where it may not be at all. */
export function mustOnlyRead(
  { name, access }: Driver,
  { readOnly, autoReadOnly }: Pick<NodeFlags, 'readOnly' | 'autoReadOnly'>,
): boolean {
  if (access === 'any' || (access === 'read-only' && readOnly)) return false
  if (access === 'none') throw new BlockError(`Driver '${name}' is not whitelisted`)
  if (autoReadOnly) return true
  throw new BlockError(`Driver '${name}' can only be used for read-only devices`)
}
