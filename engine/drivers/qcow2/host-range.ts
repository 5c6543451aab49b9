/**
 * Finds or makes room for a write: clusters of its own that it may overwrite, or new ones, as long
 * as they lie in one piece in the file.
 */
import type { Routine } from '../../util/routine.ts'
import { wait } from '../../util/routine.ts'
import { assert } from '../../util/assert.ts'
import { hex } from './bytes.ts'
import type { Allocation } from './allocation.ts'
import { signalCorruption } from './corruption.ts'
import { entryKind, isCopied, kindAt, offsetAt, type ClusterKind } from './entry.ts'
import { clusterStart } from './geometry.ts'
import type { Image } from './image.ts'
import { writableL2 } from './l1.ts'
import { abortAllocations } from './link.ts'
import { clustersTouched, type L2Place } from './mapping.ts'
import { allocateClusters, allocateClustersAt } from './refcounts.ts'

export interface HostRange {
  readonly hostOffset: number
  readonly bytes: number
  /** What has to be mapped once the data is written, oldest first. */
  readonly allocations: readonly Allocation[]
}

/** A stretch of one of the two kinds. */
interface Stretch {
  readonly hostOffset: number
  readonly bytes: number
}

/**
 * The first part of the range that can be written at one place. The allocations are announced to
 * other writers; the caller maps or aborts them.
 */
export function* hostRange(image: Image, offset: number, bytes: number): Routine<HostRange> {
  for (;;) {
    const allocations: Allocation[] = []
    try {
      const found = yield* collect(image, offset, bytes, allocations)
      if (found !== undefined) return { ...found, allocations }
    } catch (error) {
      // What was found before is of no use without the rest.
      yield* abortAllocations(image, allocations)
      throw error
    }
  }
}

/** Nothing where another allocation had to be waited for, and all must be looked at anew. */
function* collect(
  image: Image,
  offset: number,
  bytes: number,
  allocations: Allocation[],
): Routine<Stretch | undefined> {
  let first: number | undefined
  let done = 0
  while (done < bytes) {
    const at = offset + done
    const room = yield* roomBesideOthers(image, at, bytes - done, allocations.length > 0)
    if (room === undefined) return undefined
    if (room === 0) break
    const next = first === undefined ? undefined : first + done
    const stretch =
      (yield* ownClusters(image, at, room, next, allocations)) ??
      (yield* newClusters(image, at, room, next, allocations))
    if (stretch === undefined || stretch.bytes === 0) break
    first ??= stretch.hostOffset
    done += stretch.bytes
  }
  assert(first !== undefined, 'a write finds room or fails')
  return { hostOffset: first, bytes: done }
}

/**
 * How much from `offset` on is free of other writers' allocations. Where that is nothing, waits,
 * unless part of the write was found already.
 *
 * @returns nothing when it has waited.
 */
function* roomBesideOthers(
  image: Image,
  offset: number,
  bytes: number,
  hasPart: boolean,
): Routine<number | undefined> {
  let room = bytes
  for (const other of image.allocations) {
    const { clusterBytes } = image.geometry
    const from = other.guestOffset
    const to = from + other.clusters * clusterBytes
    if (offset + room <= from || offset >= to) continue
    if (from > offset) {
      room = from - offset
      continue
    }
    if (hasPart) return 0
    image.lock.release()
    yield* wait(
      new Promise<void>((resolve) => {
        other.waiters.push(resolve)
      }),
    )
    yield* wait(image.lock.acquire())
    return undefined
  }
  return room
}

/** Entries from `index` on that all are, or all are not, the active disk's own clusters. */
function countAlike(
  image: Image,
  { table, index }: L2Place,
  clusters: number,
  own: boolean,
): number {
  const { words } = table
  const { clusterBytes } = image.geometry
  const start = offsetAt(words, index)
  let count = 0
  for (; count < clusters; count++) {
    const at = index + count
    if (isOwn(kindAt(words, at), isCopied(words, at)) !== own) break
    if (own && offsetAt(words, at) !== start + count * clusterBytes) break
  }
  return count
}

function isOwn(kind: ClusterKind, copied: boolean): boolean {
  return copied && (kind === 'normal' || kind === 'zero-allocated')
}

/**
 * Clusters that can be written in place.
 *
 * @param next - Where they must lie to continue what was found before.
 * @returns nothing where the first cluster is not of that kind; an empty stretch where it is but
 * lies elsewhere.
 */
function* ownClusters(
  image: Image,
  offset: number,
  bytes: number,
  next: number | undefined,
  allocations: Allocation[],
): Routine<Stretch | undefined> {
  const { geometry } = image
  const within = offset % geometry.clusterBytes
  const place = yield* writableL2(image, offset)
  const { table, index } = place
  const kind = kindAt(table.words, index)
  if (!isOwn(kind, isCopied(table.words, index))) return undefined
  const host = offsetAt(table.words, index)
  if (host % geometry.clusterBytes !== 0) {
    const what = kind === 'zero-allocated' ? 'Preallocated zero' : 'Data'
    yield* signalCorruption(image, {
      message: `${what} cluster offset ${hex(host)} unaligned (guest offset: ${hex(offset)})`,
      fatal: true,
    })
  }
  if (next !== undefined && host !== clusterStart(geometry, next)) {
    return { hostOffset: host + within, bytes: 0 }
  }
  const room = Math.min(clustersTouched(image, offset, bytes), table.words.length - index)
  const clusters = countAlike(image, place, room, true)
  const found = Math.min(bytes, clusters * geometry.clusterBytes - within)
  addAllocation(
    image,
    place,
    { offset, bytes: found, hostOffset: host, keepsOld: true },
    allocations,
  )
  return { hostOffset: host + within, bytes: found }
}

/** New clusters, right behind what was found before or wherever there is room. */
function* newClusters(
  image: Image,
  offset: number,
  bytes: number,
  next: number | undefined,
  allocations: Allocation[],
): Routine<Stretch | undefined> {
  const { geometry } = image
  const within = offset % geometry.clusterBytes
  const wanted = yield* writableL2(image, offset)
  const room = Math.min(
    clustersTouched(image, offset, bytes),
    wanted.table.words.length - wanted.index,
  )
  const wantedClusters = countAlike(image, wanted, room, false)
  let host: number
  let clusters = wantedClusters
  if (next === undefined) {
    host = yield* allocateClusters(image, wantedClusters * geometry.clusterBytes)
  } else {
    host = clusterStart(geometry, next)
    clusters = yield* allocateClustersAt(image, host, wantedClusters)
    if (clusters === 0) return undefined
  }
  // Counting may have let go of the table.
  const place = yield* writableL2(image, offset)
  const found = Math.min(bytes, clusters * geometry.clusterBytes - within)
  addAllocation(
    image,
    place,
    { offset, bytes: found, hostOffset: host, keepsOld: false },
    allocations,
  )
  return { hostOffset: host + within, bytes: found }
}

interface Placed {
  readonly offset: number
  readonly bytes: number
  /** Of the first cluster. */
  readonly hostOffset: number
  readonly keepsOld: boolean
}

/** Announces what has to be mapped, and what of it has to be copied. Plain overwriting needs none. */
function addAllocation(
  image: Image,
  { table, index }: L2Place,
  { offset, bytes, hostOffset, keepsOld }: Placed,
  allocations: Allocation[],
): void {
  const { geometry } = image
  const { clusterBytes } = geometry
  const guestOffset = clusterStart(geometry, offset)
  const clusters = clustersTouched(image, offset, bytes)
  const { words } = table
  const isPlain = (at: number): boolean =>
    keepsOld && entryKind(words.high(at), words.low(at)) === 'normal'
  let allPlain = true
  for (let at = index; at < index + clusters; at++) allPlain &&= isPlain(at)
  if (allPlain) return
  const from = offset - guestOffset
  const to = from + bytes
  const headFrom = isPlain(index) ? from : 0
  const tailTo = isPlain(index + clusters - 1) ? to : clusters * clusterBytes
  const allocation: Allocation = {
    guestOffset,
    hostOffset,
    clusters,
    keepsOld,
    head: { offset: headFrom, bytes: from - headFrom },
    tail: { offset: to, bytes: tailTo - to },
    skipCopy: false,
    mergesData: false,
    waiters: [],
  }
  allocations.push(allocation)
  image.allocations.add(allocation)
}
