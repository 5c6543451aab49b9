/** A child as its parent's driver sees it, whatever node takes that place by now. */
import type {
  BlockStatus,
  Child,
  DebugEvent,
  InstanceInfo,
  Limits,
  RequestFlags,
  SnapshotIo,
  StatusQuery,
  TruncateOptions,
} from '../block/driver.ts'
import type { MaybePromise } from '../util/async.ts'
import { filterOrCowChild } from './chain.ts'
import { filenameOf } from './describe.ts'
import { instanceInfo } from './instance-info.ts'
import type { Edge, Node } from './node.ts'

/** A class and no closures: every edge has one, and few of its methods are ever called. */
export class ChildHandle implements Child {
  readonly name: string
  /** The edge that stands in this place now. */
  edge: Edge

  constructor(edge: Edge) {
    this.name = edge.name
    this.edge = edge
  }

  get nodeName(): string {
    return this.edge.child.name
  }

  filename(): string {
    return filenameOf(this.edge.child)
  }

  length(): number {
    return this.edge.child.length()
  }

  read(offset: number, into: Uint8Array, flags?: RequestFlags): MaybePromise<void> {
    return this.edge.child.io.read(offset, into, flags)
  }

  write(offset: number, data: Uint8Array, flags?: RequestFlags): MaybePromise<void> {
    return this.edge.child.io.write(offset, data, flags)
  }

  zero(offset: number, bytes: number, flags?: RequestFlags): MaybePromise<void> {
    const { child } = this.edge
    return child.io.zero(offset, bytes, zeroFlags(child, flags))
  }

  discard(offset: number, bytes: number): MaybePromise<void> {
    return this.edge.child.io.discard(offset, bytes)
  }

  flush(): MaybePromise<void> {
    return this.edge.child.io.flush()
  }

  status(offset: number, bytes: number, query?: StatusQuery): MaybePromise<BlockStatus> {
    return this.edge.child.io.status(offset, bytes, query)
  }

  truncate(bytes: number, options?: TruncateOptions): MaybePromise<void> {
    return this.edge.child.io.truncate(bytes, options)
  }

  limits(): Limits {
    return this.edge.child.limits()
  }

  info(): InstanceInfo {
    return instanceInfo(this.edge.child)
  }

  supportsFua(): boolean {
    return this.edge.child.instance.supports?.fua === true
  }

  supportsUnmapZero(): boolean {
    return this.edge.child.instance.supports?.unmapZero === true
  }

  supportsFastZero(): boolean {
    return this.edge.child.instance.supports?.fastZero !== false
  }

  debugEvent(event: DebugEvent): MaybePromise<void> {
    return this.edge.child.instance.debugEvent?.(event)
  }

  snapshot(): SnapshotIo | undefined {
    return this.edge.child.instance.snapshot
  }

  takesCompressed(): boolean {
    return this.edge.child.driver.takesCompressed
  }

  waitsForNobody(): boolean {
    return this.edge.child.waitsForNobody
  }

  readsAtOnce(): boolean {
    return this.edge.child.readsAtOnce
  }

  driverName(): string {
    return this.edge.child.driver.name
  }

  shows(name: string): boolean {
    return showsThrough(this.edge.child, name)
  }

  statusAbove(
    offset: number,
    bytes: number,
    base?: Parameters<Child['statusAbove']>[2],
    query?: StatusQuery,
  ): MaybePromise<BlockStatus> {
    return this.edge.child.io.statusAbove(offset, bytes, base, query)
  }
}

function showsThrough(top: Node, name: string): boolean {
  for (let next: Node | undefined = top; next !== undefined; next = filterOrCowChild(next)) {
    if (next.name === name) return true
  }
  return false
}

/** A node that ignores discards unmaps nothing for its parents; for root users it does. */
function zeroFlags(child: Node, flags: RequestFlags = {}): RequestFlags {
  return child.flags.discard || flags.mayUnmap !== true ? flags : { ...flags, mayUnmap: false }
}
