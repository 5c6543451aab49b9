/** Root users: exports, jobs and commands that use a node without being one. */
import type {
  BlockStatus,
  Child,
  Limits,
  RequestFlags,
  StatusQuery,
  TruncateOptions,
} from '../block/driver.ts'
import type { Claims } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { Activity } from './activity.ts'
import { refreshClaims, setEdgeClaims } from './claims.ts'
import { beginDrained, drainLingers } from './drain.ts'
import { attachEdge, detachEdge } from './edge.ts'
import type { Environment, NodeIo } from './environment.ts'
import type { DrainedSection, GraphNode, User, UserAbout } from './graph.ts'
import { closeIfUnused } from './lifecycle.ts'
import type { Edge, Node, Parent } from './node.ts'
import { publicNode } from './public-node.ts'
import { hasMedium } from './root.ts'
import { Transaction } from './transaction.ts'

export class RootUser implements User, Parent {
  readonly kind = 'user'
  readonly asNode = undefined
  readonly description: string
  readonly name: string
  readonly type: 'block-backend' | 'block-job'
  /** The user's own requests that have not completed. */
  readonly activity = new Activity()
  /** Those that wait for the end of a drained section. */
  readonly queue = new Activity()
  readonly #environment: Environment
  readonly #about: UserAbout
  readonly #io: NodeIo
  #edge: Edge | undefined
  /** What the user has left for good. */
  #left: Node | undefined
  #sections = 0
  #resumeWaiters: (() => void)[] = []

  /** @throws {BlockError} a permission conflict. */
  constructor(environment: Environment, node: Node, about: UserAbout) {
    if (!node.isOpen) throw new BlockError(`Node '${node.name}' is still being opened`)
    this.#environment = environment
    this.#about = about
    this.description = about.description ?? 'an unnamed block device'
    this.name = about.name ?? ''
    this.type = about.type ?? 'block-backend'
    this.#io = environment.paths.user(this)
    const claims = { uses: about.uses, shares: about.shares }
    this.#edge = attachEdge(this, about.edgeName ?? 'root', {}, node, claims)
    environment.users.add(this)
  }

  get edges(): readonly Edge[] {
    return this.#edge === undefined ? [] : [this.#edge]
  }

  get keepsHome(): boolean {
    return this.#about.keepsHome === true
  }

  get edge(): Edge {
    assert(this.#edge !== undefined, 'the user is closed')
    return this.#edge
  }

  get writesPastEnd(): boolean {
    return this.#about.writesPastEnd === true
  }

  get node(): GraphNode {
    return publicNode(this.#left ?? this.edge.child)
  }

  /** Whether the node can be reached, and all that it stands on. */
  get hasMedium(): boolean {
    return this.#environment.unreadable.size === 0 || hasMedium(this.edge.child)
  }

  get quiesced(): boolean {
    return this.#sections > 0
  }

  /** Whether requests that are made now wait for the end of a drained section. */
  get heldBack(): boolean {
    if (!this.quiesced || this.#about.goesOn === true) return false
    return this.#about.goesOnAtEnd !== true || !this.#environment.ending
  }

  /** Resolves once no drained section holds the user back. */
  async resumed(): Promise<void> {
    while (this.quiesced) await new Promise<void>((resolve) => this.#resumeWaiters.push(resolve))
  }

  drainedBegin(): void {
    if (this.#sections++ === 0) this.#about.drainedBegin?.()
  }

  drainedEnd(): void {
    assert(this.#sections > 0, 'a drained section of a user ended twice')
    if (--this.#sections > 0) return
    this.#about.drainedEnd?.()
    const waiters = this.#resumeWaiters
    this.#resumeWaiters = []
    for (const wake of waiters) wake()
  }

  childResized(): void {
    this.#about.resized?.()
  }

  setClaims(claims: Claims): void {
    Transaction.run((transaction) => {
      setEdgeClaims(this.edge, { uses: claims.uses, shares: claims.shares }, transaction)
      refreshClaims([this.edge.child], transaction)
    })
  }

  drained(): Promise<DrainedSection> {
    return this.#environment.lock.section(() => beginDrained(this.edge.child))
  }

  async close(): Promise<void> {
    const edge = this.#edge
    if (edge === undefined) return
    await this.queue.idle()
    await this.activity.idle()
    // Measured: whoever leaves a node drains it first, and that twice.
    for (let times = 0; times < 2; times++) await this.#drainOnce(edge.child)
    if (this.#edge === undefined) return
    this.#edge = undefined
    this.#left = edge.child
    this.#environment.users.delete(this)
    detachEdge(edge)
    await closeIfUnused(this.#environment, edge.child)
  }

  async #drainOnce(node: Node): Promise<void> {
    const section = await beginDrained(node)
    const lingers = drainLingers(node)
    section.end()
    // A driver that has something to do then has it done in a turn of its own, as others do.
    if (!lingers) return
    const { clock } = this.#environment.services
    await new Promise<void>((resolve) => clock.after(0, resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  limits(): Limits {
    return this.edge.child.limits()
  }

  length(): number {
    return this.#io.length()
  }
  read(offset: number, into: Uint8Array, flags?: RequestFlags): MaybePromise<void> {
    return this.#io.read(offset, into, flags)
  }
  write(offset: number, data: Uint8Array, flags?: RequestFlags): MaybePromise<void> {
    return this.#io.write(offset, data, flags)
  }
  zero(offset: number, bytes: number, flags?: RequestFlags): MaybePromise<void> {
    return this.#io.zero(offset, bytes, flags)
  }
  discard(offset: number, bytes: number): MaybePromise<void> {
    return this.#io.discard(offset, bytes)
  }
  flush(): MaybePromise<void> {
    return this.#io.flush()
  }
  status(offset: number, bytes: number, query?: StatusQuery): MaybePromise<BlockStatus> {
    return this.#io.status(offset, bytes, query)
  }
  statusAbove(
    offset: number,
    bytes: number,
    base?: Parameters<Child['statusAbove']>[2],
    query?: StatusQuery,
  ): MaybePromise<BlockStatus> {
    return this.#io.statusAbove(offset, bytes, base, query)
  }
  truncate(bytes: number, options?: TruncateOptions): MaybePromise<void> {
    return this.#io.truncate(bytes, options)
  }
}
