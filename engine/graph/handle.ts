/** A node as its own driver sees it while it opens and afterwards. */
import type { NodeHandle } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import { markCorrupted } from './corrupt.ts'
import type { Environment } from './environment.ts'
import { freezeChain } from './freeze.ts'
import type { Node } from './node.ts'

export function nodeHandle(environment: Environment, node: Node): NodeHandle {
  let told: 'nothing' | 'some' | 'fatal' = 'nothing'
  return {
    name: node.name,
    flags: node.flags,
    get deviceName() {
      return node.parents.find(({ parent }) => parent.kind === 'user')?.parent.name ?? ''
    },
    fallBackToReadOnly(reason) {
      if (!node.flags.autoReadOnly) throw new BlockError(reason, { errno: 'EACCES' })
      node.flags.readOnly = true
    },
    length: () => (node.isOpen ? node.length() : 0),
    lengthChanged() {
      if (node.isOpen) node.refreshLength()
    },
    freezeChain: (bottom) => freezeChain(node, bottom),
    corrupted({ message, offset, bytes, fatal }) {
      if (told === 'fatal' || (told === 'some' && !fatal)) return
      told = fatal ? 'fatal' : 'some'
      environment.services.emit('BLOCK_IMAGE_CORRUPTED', {
        device: this.deviceName,
        'node-name': node.name,
        msg: message,
        offset,
        size: bytes,
        fatal,
      })
      // One that is not open yet never will be.
      if (fatal && node.isOpen) markCorrupted(environment, node)
    },
  }
}
