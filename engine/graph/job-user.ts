/** Jobs as the graph sees them: users with several edges, which stay where they are. */
import type { Claims } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import { Activity } from './activity.ts'
import { attachEdge, detachEdge } from './edge.ts'
import type { Environment } from './environment.ts'
import type { GraphNode, JobAbout, JobUser } from './graph.ts'
import { joinHome } from './home.ts'
import { closeIfUnused } from './lifecycle.ts'
import type { Edge, Parent } from './node.ts'
import type { Operation } from './op-blockers.ts'
import { innerNode } from './public-node.ts'

interface Held {
  readonly edge: Edge
  readonly unblock: () => void
}

export class JobParent implements JobUser, Parent {
  readonly kind = 'job'
  readonly asNode = undefined
  readonly keepsHome = false
  readonly name: string
  readonly description: string
  /** Counts the job itself while it is at work. */
  readonly activity = new Activity()
  readonly #environment: Environment
  readonly #about: JobAbout
  /** Newest first. */
  readonly #held: Held[] = []
  #sections = 0

  constructor(environment: Environment, about: JobAbout) {
    this.#environment = environment
    this.#about = about
    this.name = about.id
    this.description = `${about.type} job '${about.id}'`
    environment.jobs.add(this)
  }

  /** Newest first. */
  get edges(): readonly Edge[] {
    return this.#held.map(({ edge }) => edge)
  }

  get quiesced(): boolean {
    return this.#sections > 0
  }

  get home(): string | undefined {
    return this.#held.at(-1)?.edge.child.home
  }

  uses(node: GraphNode): boolean {
    return this.#held.some(({ edge }) => edge.child === node)
  }

  add(edgeName: string, node: GraphNode, claims: Claims, allowed: readonly Operation[] = []): void {
    const child = innerNode(node)
    const others = this.#held.at(-1)?.edge.child
    if (others !== undefined) joinHome(child, others)
    const edge = attachEdge(this, edgeName, {}, child, claims)
    const reason = `block device is in use by block job: ${this.#about.type}`
    this.#held.unshift({ edge, unblock: child.opBlockers.block(reason, allowed) })
  }

  begin(): void {
    this.activity.begin()
  }

  end(): void {
    this.activity.end()
  }

  drainedBegin(): void {
    if (this.#sections++ === 0) this.#about.drainedBegin?.()
  }

  drainedEnd(): void {
    assert(this.#sections > 0, 'a drained section of a job ended twice')
    if (--this.#sections === 0) this.#about.drainedEnd?.()
  }

  childResized(): void {
    // Jobs ask for lengths when they need them.
  }

  async detach(): Promise<void> {
    while (this.#held.length > 0) {
      const [{ edge, unblock }] = this.#held.splice(0, 1) as [Held]
      unblock()
      detachEdge(edge)
      await closeIfUnused(this.#environment, edge.child)
    }
  }

  async close(): Promise<void> {
    await this.detach()
    this.#environment.jobs.delete(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
