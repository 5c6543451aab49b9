/**
 * Which operations a node refuses, and why. Backing links and jobs refuse what would pull the image
 * from under them; commands ask before they begin.
 */
import { BlockError } from '../util/errors.ts'

/** As 7.2 tells operations apart. */
export const OPERATIONS = [
  'backup-source',
  'backup-target',
  'change',
  'commit-source',
  'commit-target',
  'dataplane',
  'drive-del',
  'eject',
  'external-snapshot',
  'internal-snapshot',
  'internal-snapshot-delete',
  'mirror-source',
  'mirror-target',
  'resize',
  'stream',
  'replace',
] as const

export type Operation = (typeof OPERATIONS)[number]

interface Blocker {
  readonly reason: string
  readonly allowed: readonly Operation[]
}

/** What stands in the way of operations on one node. */
export class OpBlockers {
  /** Newest first: that is the one that clients are told. */
  readonly #blockers: Blocker[] = []

  /** Refuses all operations but those allowed until the returned function is called. */
  block(reason: string, allowed: readonly Operation[] = []): () => void {
    const blocker = { reason, allowed }
    this.#blockers.unshift(blocker)
    return () => {
      const index = this.#blockers.indexOf(blocker)
      if (index >= 0) this.#blockers.splice(index, 1)
    }
  }

  /** Why an operation is refused now; nothing where it is not. */
  reason(operation: Operation): string | undefined {
    return this.#blockers.find(({ allowed }) => !allowed.includes(operation))?.reason
  }
}

/** @throws {BlockError} `Node 'x' is busy:` and why. */
export function checkOperation(
  node: { readonly name: string; readonly opBlockers: OpBlockers },
  operation: Operation,
): void {
  const reason = node.opBlockers.reason(operation)
  if (reason === undefined) return
  throw new BlockError(`Node '${node.name}' is busy: ${reason}`, { errno: 'EBUSY' })
}

/** What may go on at a node that is the backing image of another one. */
export const ALLOWED_ON_BACKING: readonly Operation[] = [
  'commit-target',
  'stream',
  'backup-source',
  'backup-target',
]
