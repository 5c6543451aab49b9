/** A child as its parent's driver sees it, whatever node takes that place by now. */
import type { Child, RequestFlags } from '../block/driver.ts'
import { filterOrCowChild } from './chain.ts'
import { filenameOf } from './describe.ts'
import { instanceInfo } from './instance-info.ts'
import type { Edge, Node } from './node.ts'

/** @param seat - Says which edge it is that stands there. */
export function childHandle(seat: { readonly edge: Edge }, name: string): Child {
  return {
    name,
    get nodeName() {
      return seat.edge.child.name
    },
    filename: () => filenameOf(seat.edge.child),
    length: () => seat.edge.child.length(),
    read: (offset, into, flags) => seat.edge.child.io.read(offset, into, flags),
    write: (offset, data, flags) => seat.edge.child.io.write(offset, data, flags),
    zero: (offset, bytes, flags) =>
      seat.edge.child.io.zero(offset, bytes, zeroFlags(seat.edge, flags)),
    discard: (offset, bytes) => seat.edge.child.io.discard(offset, bytes),
    flush: () => seat.edge.child.io.flush(),
    status: (offset, bytes, query) => seat.edge.child.io.status(offset, bytes, query),
    truncate: (bytes, options) => seat.edge.child.io.truncate(bytes, options),
    limits: () => seat.edge.child.limits(),
    info: () => instanceInfo(seat.edge.child),
    supportsFua: () => seat.edge.child.instance.supports?.fua === true,
    supportsUnmapZero: () => seat.edge.child.instance.supports?.unmapZero === true,
    supportsFastZero: () => seat.edge.child.instance.supports?.fastZero !== false,
    debugEvent: (event) => seat.edge.child.instance.debugEvent?.(event),
    snapshot: () => seat.edge.child.instance.snapshot,
    takesCompressed: () => seat.edge.child.driver.takesCompressed,
    waitsForNobody: () => seat.edge.child.waitsForNobody,
    driverName: () => seat.edge.child.driver.name,
    shows: (node) => showsThrough(seat.edge.child, node),
    statusAbove: (offset, bytes, base, query) =>
      seat.edge.child.io.statusAbove(offset, bytes, base, query),
  }
}

function showsThrough(top: Node, name: string): boolean {
  for (let next: Node | undefined = top; next !== undefined; next = filterOrCowChild(next)) {
    if (next.name === name) return true
  }
  return false
}

/** A node that ignores discards unmaps nothing for its parents; for root users it does. */
function zeroFlags(edge: Edge, flags: RequestFlags = {}): RequestFlags {
  return edge.child.flags.discard || flags.mayUnmap !== true ? flags : { ...flags, mayUnmap: false }
}
