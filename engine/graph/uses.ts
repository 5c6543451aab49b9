/** Uses of nodes by what is no node: exports, commands at work, jobs. */
import type { BlockIo, Child, Limits } from '../block/driver.ts'
import type { Claims } from '../block/permission.ts'
import type { DrainedSection, GraphNode } from './graph-node.ts'
import type { Operation } from './op-blockers.ts'

/** A use of a node by something that is no node: an export, a job, a command at work. */
export interface UserAbout extends Claims {
  /** As conflict texts name it; default `an unnamed block device`. */
  readonly description?: string
  /** Its name in the graph query; default empty. */
  readonly name?: string
  readonly type?: 'block-backend' | 'block-job'
  /** Name of its edge; default `root`. */
  readonly edgeName?: string
  /** Writes may go past the end of the node, which then grows, as where an image is made. */
  readonly writesPastEnd?: boolean
  /**
   * Its requests go on in drained sections, which wait for them: whoever makes them comes to rest
   * without being held back, as jobs do.
   */
  readonly goesOn?: boolean
  /** Its requests go on in the drained section at the end of all things, as nobody would let them go. */
  readonly goesOnAtEnd?: boolean
  /** The node stays in the thread where it is at home, with all that it hangs together with. */
  readonly keepsHome?: boolean
  /** No more requests of the user's own making until `drainedEnd`. Requests that come are held. */
  drainedBegin?(): void
  drainedEnd?(): void
  /** The node's length changed. */
  resized?(): void
}

export interface User extends BlockIo, Pick<Child, 'statusAbove'>, AsyncDisposable {
  /** What it uses now, another one where a node was replaced; once closed, what it used last. */
  readonly node: GraphNode
  /** True inside a drained section; requests made now wait for its end. */
  readonly quiesced: boolean
  /** What the node below wants of requests; the path sees to it, clients may be told. */
  limits(): Limits
  /** @throws {BlockError} the conflict text; the old claims stay. */
  setClaims(claims: Claims): void
  drained(): Promise<DrainedSection>
  /** Detaches; the node goes too if nothing else holds it. Waits for the user's own requests. */
  close(): Promise<void>
}

/** What the graph must know of a job. */
export interface JobAbout {
  readonly id: string
  /** `commit`, `stream`, `mirror` or `backup`: conflict texts say `commit job 'id'`. */
  readonly type: string
  /** One of its nodes is drained: come to a rest, and let `end` say so. */
  drainedBegin?(): void
  /** The last such section has ended. */
  drainedEnd?(): void
}

/** A job's edges. They stay at their nodes when those are replaced at all other parents. */
export interface JobUser extends AsyncDisposable {
  /** True inside a drained section of one of its nodes. */
  readonly quiesced: boolean
  uses(node: GraphNode): boolean
  /** The iothread where its nodes are at home; undefined: the main thread. */
  readonly home: string | undefined
  /**
   * Adds an edge and forbids operations on the node but those allowed.
   *
   * @throws {BlockError} the conflict text; nothing changed.
   */
  add(edgeName: string, node: GraphNode, claims: Claims, allowed?: readonly Operation[]): void
  /** The job is at work: drained sections of its nodes wait until as many `end`s. */
  begin(): void
  end(): void
  /** Takes all edges off, and what they forbade; nodes that nothing else holds go. */
  detach(): Promise<void>
  /** The same, and the job is no longer listed. */
  close(): Promise<void>
}
