/**
 * Permissions: what an edge does to the node below it (it *uses* them) and what it tolerates from
 * the node's other parents (it *shares* them). Sets are bit masks, so that the whole model is
 * plain arithmetic.
 */

/** A set of permissions: the sum of constants below. */
export type Permissions = number

/** Reads see a self-consistent disk. */
export const CONSISTENT_READ = 1
/** May change the visible data. */
export const WRITE = 2
/** May write as long as the visible data stays the same; `WRITE` suffices too. */
export const WRITE_UNCHANGED = 4
/** May change the length. */
export const RESIZE = 8
export const NO_PERMISSIONS: Permissions = 0
export const ALL_PERMISSIONS: Permissions = CONSISTENT_READ | WRITE | WRITE_UNCHANGED | RESIZE

/** What one edge uses and what it shares with the other parents of its child. */
export interface Claims {
  readonly uses: Permissions
  readonly shares: Permissions
}

/** As conflict texts name them, in the order in which they list them. */
const IN_TEXTS = [
  [CONSISTENT_READ, 'consistent read'],
  [WRITE, 'write'],
  [WRITE_UNCHANGED, 'write unchanged'],
  [RESIZE, 'resize'],
] as const

/** As the graph query names them, in the order in which it lists them. */
const IN_QUERIES = [
  [RESIZE, 'resize'],
  [WRITE_UNCHANGED, 'write-unchanged'],
  [WRITE, 'write'],
  [CONSISTENT_READ, 'consistent-read'],
] as const

export type PermissionName = (typeof IN_QUERIES)[number][1]

/** `write, resize`: for people, in conflict texts. */
export function permissionText(permissions: Permissions): string {
  return IN_TEXTS.filter(([bit]) => (permissions & bit) !== 0)
    .map(([, name]) => name)
    .join(', ')
}

/** The members of a permission list in a query's result, in its order. */
export function permissionNames(permissions: Permissions): PermissionName[] {
  return IN_QUERIES.filter(([bit]) => (permissions & bit) !== 0).map(([, name]) => name)
}

/** The set that such names stand for. */
export function permissionsNamed(names: readonly PermissionName[]): Permissions {
  return IN_QUERIES.filter(([, name]) => names.includes(name)).reduce((set, [bit]) => set | bit, 0)
}
