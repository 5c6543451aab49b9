/** What is left of a node whose image turned out to be corrupt, by the profile's switches. */
import type { Profile } from '../profiles/index.ts'
import { BlockError, ioError } from '../util/errors.ts'
import type { Environment, NodeIo } from './environment.ts'
import type { Node } from './node.ts'

/** Puts the node out of use. It keeps its name, its driver and its edges. */
export function markCorrupted(environment: Environment, node: Node): void {
  if (node.corrupted) return
  const { profile, unreadable } = environment
  const isReadable = profile['corrupt.reads'] === 'allowed'
  node.giveUp(corruptIo(node.io, profile), isReadable)
  if (!isReadable) unreadable.add(node)
}

function corruptIo(io: NodeIo, profile: Profile): NodeIo {
  const refused = (): never => {
    throw ioError('ENOMEDIUM')
  }
  const reads = profile['corrupt.reads'] === 'allowed' ? io : REFUSED
  return {
    length: () => io.length(),
    read: (offset, into, flags) => reads.read(offset, into, flags),
    status: (offset, bytes, query) => reads.status(offset, bytes, query),
    statusAbove: (offset, bytes, base, query) => reads.statusAbove(offset, bytes, base, query),
    write: refused,
    zero: refused,
    discard: refused,
    truncate: refused,
    // Nothing is left to be flushed; the switch says whether that is told.
    flush: () => (profile['corrupt.flush'] === 'allowed' ? undefined : refused()),
  }
}

const REFUSED: Pick<NodeIo, 'read' | 'status' | 'statusAbove'> = {
  read() {
    throw ioError('ENOMEDIUM')
  },
  status() {
    throw ioError('ENOMEDIUM')
  },
  statusAbove() {
    throw ioError('ENOMEDIUM')
  },
}

/** @throws {BlockError} where queries tell nothing of such a node. */
export function checkTellable(node: Node, profile: Profile): void {
  if (node.corrupted && profile['corrupt.queryNodes'] === 'error') {
    throw new BlockError(`Block device ${node.name} is ejected`)
  }
}
