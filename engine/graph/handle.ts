/** A node as its own driver sees it while it opens and afterwards. */
import type { NodeFlags, NodeHandle } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import { markCorrupted } from './corrupt.ts'
import type { Environment } from './environment.ts'
import { freezeChain } from './freeze.ts'
import type { Node } from './node.ts'

export function nodeHandle(environment: Environment, node: Node): NodeHandle {
  return new OwnNode(environment, node)
}

class OwnNode implements NodeHandle {
  readonly name: string
  readonly flags: NodeFlags
  readonly #environment: Environment
  readonly #node: Node
  /** Of damage to the image. */
  #told: 'nothing' | 'some' | 'fatal' = 'nothing'

  constructor(environment: Environment, node: Node) {
    this.name = node.name
    this.flags = node.flags
    this.#environment = environment
    this.#node = node
  }

  get deviceName(): string {
    return this.#node.parents.find(({ parent }) => parent.kind === 'user')?.parent.name ?? ''
  }

  fallBackToReadOnly(reason: string): void {
    const { flags } = this.#node
    if (!flags.autoReadOnly) throw new BlockError(reason, { errno: 'EACCES' })
    flags.readOnly = true
  }

  length(): number {
    return this.#node.isOpen ? this.#node.length() : 0
  }

  lengthChanged(): void {
    if (this.#node.isOpen) this.#node.refreshLength()
  }

  limitsChanged(): void {
    if (this.#node.isOpen) this.#node.refreshLimits()
  }

  freezeChain(bottom: string): (() => void) | undefined {
    return freezeChain(this.#node, bottom)
  }

  corrupted({ message, offset, bytes, fatal }: Parameters<NodeHandle['corrupted']>[0]): void {
    if (this.#told === 'fatal' || (this.#told === 'some' && !fatal)) return
    this.#told = fatal ? 'fatal' : 'some'
    this.#environment.services.emit('BLOCK_IMAGE_CORRUPTED', {
      device: this.deviceName,
      'node-name': this.name,
      msg: message,
      offset,
      size: bytes,
      fatal,
    })
    // One that is not open yet never will be.
    if (fatal && this.#node.isOpen) markCorrupted(this.#environment, this.#node)
  }
}
