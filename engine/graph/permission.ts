/** The permission rule: what one parent of a node uses, all its other parents must share. */
import {
  ALL_PERMISSIONS,
  NO_PERMISSIONS,
  permissionText,
  type Claims,
} from '../block/permission.ts'
import { BlockError } from '../util/errors.ts'

/** The claims of one edge, with the words by which conflict texts name it. */
export interface EdgeClaims extends Claims {
  /** `node 'x'`, `an unnamed block device` … */
  readonly parent: string
  /** Name of the edge. */
  readonly edge: string
}

/**
 * Checks that a node's parents get along.
 *
 * Pure: it changes nothing, so a caller may check a whole proposed graph first.
 *
 * @param claims - Newest parent first; the first conflicting pair in that order is reported.
 * @throws {BlockError} `EPERM`, naming both parents.
 */
export function checkClaims(node: string, claims: readonly EdgeClaims[]): void {
  for (const owner of claims) {
    for (const user of claims) {
      if (owner === user) continue
      const denied = user.uses & ~owner.shares
      if (denied === NO_PERMISSIONS) continue
      const name = (claim: EdgeClaims) =>
        `${claim.parent} (uses node '${node}' as '${claim.edge}' child)`
      throw new BlockError(
        `Permission conflict on node '${node}': permissions '${permissionText(denied)}' are ` +
          `both required by ${name(user)} and unshared by ${name(owner)}.`,
        { errno: 'EPERM' },
      )
    }
  }
}

/** Whether all of them may be parents of one node: each pair of them is, and yet each is looked at once. */
export function getAlong(claims: readonly Claims[]): boolean {
  const { uses } = cumulative(claims)
  for (let permission = 1; permission <= ALL_PERMISSIONS; permission *= 2) {
    if ((uses & permission) === 0) continue
    let users = 0
    let owners = 0
    let both = 0
    for (const claim of claims) {
      const isUser = (claim.uses & permission) !== 0
      const isOwner = (claim.shares & permission) === 0
      if (isUser) users++
      if (isOwner) owners++
      if (isUser && isOwner) both++
    }
    // So many pairs of a user and an owner are not the same one.
    if (users * owners > both) return false
  }
  return true
}

/** What all parents of a node use together, and what every one of them shares. */
export function cumulative(claims: readonly Claims[]): Claims {
  let uses = NO_PERMISSIONS
  let shares = ALL_PERMISSIONS
  for (const claim of claims) {
    uses |= claim.uses
    shares &= claim.shares
  }
  return { uses, shares }
}
