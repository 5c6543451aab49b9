/**
 * Locks on image files, so that other processes, and other nodes on the same file, keep to the
 * permissions too. QEMU's scheme: a shared lock on byte 100 + n says "I use permission n", one on
 * byte 200 + n "I do not share it"; a conflict is a lock of somebody else on the other byte.
 */
import {
  ALL_PERMISSIONS,
  permissionText,
  type Claims,
  type Permissions,
} from '../../block/permission.ts'
import type { FileLocks } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'

const USED_BASE = 100
const UNSHARED_BASE = 200
const BITS = [0, 1, 2, 3] as const

/** The locked bytes of one open file. */
interface Held {
  readonly used: Permissions
  readonly unshared: Permissions
}

const NOTHING: Held = { used: 0, unshared: 0 }

export interface Locking {
  /** Takes the locks for these claims. @throws {BlockError} with all as before. */
  check(claims: Claims): void
  /** Gives up what the checked claims need no more. */
  set(claims: Claims): void
  /** Back to before the check. */
  abort(): void
  /** Takes the same locks on the same file, opened another time. */
  copyTo(other: FileLocks): void
}

/**
 * @param current - The locks of the file as it is open now; undefined for no locking.
 * @param filename - For people who wonder who holds the other lock.
 */
export function fileLocking(current: () => FileLocks | undefined, filename: string): Locking {
  let settled = NOTHING
  let taken = NOTHING
  return {
    check({ uses, shares }) {
      const locks = current()
      if (locks === undefined) return
      const wanted: Held = { used: uses, unshared: ALL_PERMISSIONS & ~shares }
      // Taken first and looked at afterwards: of two that do so at once, one sees the other.
      taken = union(settled, wanted)
      take(locks, settled, taken)
      try {
        checkOthers(locks, wanted, filename)
      } catch (error) {
        release(locks, taken, settled)
        taken = settled
        throw error
      }
    },
    set({ uses, shares }) {
      const locks = current()
      if (locks === undefined) return
      const wanted: Held = { used: uses, unshared: ALL_PERMISSIONS & ~shares }
      release(locks, taken, wanted)
      settled = taken = wanted
    },
    abort() {
      const locks = current()
      if (locks !== undefined) release(locks, taken, settled)
      taken = settled
    },
    copyTo(other) {
      take(other, NOTHING, taken)
    },
  }
}

function checkOthers(locks: FileLocks, { used, unshared }: Held, filename: string): void {
  for (const bit of BITS) {
    if ((used & (1 << bit)) !== 0 && locks.isHeldByOther(UNSHARED_BASE + bit)) {
      throw conflict('', bit, filename)
    }
  }
  for (const bit of BITS) {
    if ((unshared & (1 << bit)) !== 0 && locks.isHeldByOther(USED_BASE + bit)) {
      throw conflict('shared ', bit, filename)
    }
  }
}

function conflict(kind: '' | 'shared ', bit: number, filename: string): BlockError {
  return new BlockError(`Failed to get ${kind}"${permissionText(1 << bit)}" lock`, {
    errno: 'EAGAIN',
    hint: `Is another process using the image [${filename}]?\n`,
  })
}

function union(left: Held, right: Held): Held {
  return { used: left.used | right.used, unshared: left.unshared | right.unshared }
}

function take(locks: FileLocks, from: Held, to: Held): void {
  forEachByte(to.used & ~from.used, to.unshared & ~from.unshared, (byte) => {
    if (locks.lockShared(byte)) return
    throw new BlockError(`Failed to lock byte ${String(byte)}`, { errno: 'EAGAIN' })
  })
}

function release(locks: FileLocks, from: Held, to: Held): void {
  forEachByte(from.used & ~to.used, from.unshared & ~to.unshared, (byte) => {
    locks.unlock(byte)
  })
}

function forEachByte(
  used: Permissions,
  unshared: Permissions,
  visit: (byte: number) => void,
): void {
  for (const bit of BITS) if ((used & (1 << bit)) !== 0) visit(USED_BASE + bit)
  for (const bit of BITS) if ((unshared & (1 << bit)) !== 0) visit(UNSHARED_BASE + bit)
}
