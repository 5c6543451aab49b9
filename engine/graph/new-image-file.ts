/** The storage of an image that is being made. */
import type { BlockIo, NewImageFile } from '../block/driver.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../block/permission.ts'
import type { Environment } from './environment.ts'
import type { Node } from './node.ts'
import { RootUser } from './user.ts'

export class NodeOfNewImage implements NewImageFile {
  readonly #environment: Environment
  readonly #node: Node
  #user: RootUser

  /** @throws {BlockError} where nobody may write. */
  constructor(environment: Environment, node: Node) {
    this.#environment = environment
    this.#node = node
    this.#user = new RootUser(environment, node, {
      uses: WRITE | RESIZE,
      shares: ALL_PERMISSIONS,
      writesPastEnd: true,
    })
  }

  get io(): BlockIo {
    return this.#user
  }

  async asImage(): Promise<BlockIo> {
    await this.#user.close()
    this.#user = new RootUser(this.#environment, this.#node, {
      uses: CONSISTENT_READ | WRITE | RESIZE,
      shares: ALL_PERMISSIONS & ~(WRITE | RESIZE),
      writesPastEnd: true,
      description: `node '${this.#environment.nextName()}'`,
      edgeName: 'file',
      goesOnAtEnd: true,
    })
    return this.#user
  }

  close(): Promise<void> {
    return this.#user.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
