/** After the data: copying what surrounds it, and mapping the new clusters. */
import { reach } from './storage.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { WordTable } from '../../util/struct.ts'
import { COPIED, kindAt, setEntry } from './entry.ts'
import { ENTRY_BYTES } from './geometry.ts'
import { INCOMPATIBLE } from './header.ts'
import { markDirty } from './header-write.ts'
import { forgetAllocation, type Allocation, type CopyRegion } from './allocation.ts'
import type { Image } from './image.ts'
import type { DataRequest } from './in-flight.ts'
import { writableL2 } from './l1.ts'
import { checkOverlap } from './overlap.ts'
import { readGuest } from './read.ts'
import { freeClusters } from './refcount-change.ts'
import { freeEntry } from './refcounts.ts'

/** With the lock held: maps what a write allocated, newest first; what cannot be mapped goes back. */
export function* finishAllocations(
  image: Image,
  allocations: readonly Allocation[],
  data: Uint8Array | undefined,
  own: DataRequest | undefined,
): Routine<void> {
  const left = [...allocations]
  try {
    for (let next = left.at(-1); next !== undefined; next = left.at(-1)) {
      yield* linkAllocation(image, next, data, own)
      left.pop()
      forgetAllocation(image, next)
    }
  } catch (error) {
    yield* abortAllocations(image, left)
    throw error
  }
}

/** With the lock held: the data could not be written, the clusters go back. */
export function* abortAllocations(image: Image, allocations: readonly Allocation[]): Routine<void> {
  for (const allocation of allocations.toReversed()) {
    if (!allocation.keepsOld && !image.dead) {
      const bytes = allocation.clusters * image.geometry.clusterBytes
      yield* freeClusters(image, allocation.hostOffset, bytes, 'never')
    }
    forgetAllocation(image, allocation)
  }
}

function* linkAllocation(
  image: Image,
  allocation: Allocation,
  data: Uint8Array | undefined,
  own: DataRequest | undefined,
): Routine<void> {
  const { geometry, l2Cache, refcountCache, header } = image
  yield* copyAround(image, allocation, data)
  if (image.options.lazyRefcounts) yield* markDirty(image)
  if ((header.incompatible & INCOMPATIBLE.dirty) === 0n) yield* l2Cache.dependOn(refcountCache)
  const { guestOffset, hostOffset, clusters, keepsOld } = allocation
  const { table, index } = yield* writableL2(image, guestOffset)
  const old = new WordTable(new Uint8Array(clusters * ENTRY_BYTES))
  let replaces = false
  for (let count = 0; count < clusters; count++) {
    const at = index + count
    old.set(count, table.words.high(at), table.words.low(at))
    replaces ||= old.high(count) !== 0 || old.low(count) !== 0
    setEntry(table.words, at, hostOffset + count * geometry.clusterBytes, COPIED)
  }
  table.dirty = true
  if (keepsOld || !replaces) return
  yield* freeOld(image, old, allocation, own)
}

function* freeOld(
  image: Image,
  old: WordTable,
  { guestOffset, clusters }: Allocation,
  own: DataRequest | undefined,
): Routine<void> {
  const { clusterBytes } = image.geometry
  const guestEnd = guestOffset + clusters * clusterBytes
  yield* image.inFlight.settle(image.lock, guestOffset, guestEnd, own ?? NOBODY)
  for (let count = 0; count < clusters; count++) {
    if (kindAt(old, count) !== 'unallocated') yield* freeEntry(image, old, count, 'never')
  }
}

const NOBODY: DataRequest = { kind: 'write', from: 0, to: 0, waiters: [] }

/** Fills head and tail with what the clusters showed before; with the data if that is in between. */
function* copyAround(
  image: Image,
  allocation: Allocation,
  data: Uint8Array | undefined,
): Routine<void> {
  const { head, tail } = allocation
  if ((head.bytes === 0 && tail.bytes === 0) || allocation.skipCopy) return
  image.lock.release()
  try {
    const [before, after] = yield* readAround(image, allocation)
    if (allocation.mergesData && data !== undefined) {
      const whole = new Uint8Array(before.length + data.length + after.length)
      whole.set(before)
      whole.set(data, before.length)
      whole.set(after, before.length + data.length)
      yield* reach(image.file, 'write_aio')
      yield* writeRegion(image, allocation, head.offset, whole)
    } else {
      yield* writeRegion(image, allocation, head.offset, before)
      yield* writeRegion(image, allocation, tail.offset, after)
    }
  } finally {
    yield* wait(image.lock.acquire())
  }
  // The map must not point to the new clusters before they are filled.
  image.l2Cache.dependOnFlush()
}

/** A gap up to this size is read along rather than skipped. */
const MERGED_READ_BYTES = 16384

function* readAround(
  image: Image,
  { guestOffset, head, tail }: Allocation,
): Routine<[Uint8Array, Uint8Array]> {
  const gap = tail.offset - (head.offset + head.bytes)
  if (head.bytes > 0 && tail.bytes > 0 && gap <= MERGED_READ_BYTES) {
    const whole = yield* readRegion(image, guestOffset, {
      offset: head.offset,
      bytes: tail.offset + tail.bytes - head.offset,
    })
    return [whole.subarray(0, head.bytes), whole.subarray(tail.offset - head.offset)]
  }
  const before = yield* readRegion(image, guestOffset, head)
  return [before, yield* readRegion(image, guestOffset, tail)]
}

function* readRegion(
  image: Image,
  guestOffset: number,
  { offset, bytes }: CopyRegion,
): Routine<Uint8Array> {
  const into = new Uint8Array(bytes)
  if (bytes === 0) return into
  yield* reach(image.file, 'cow_read')
  yield* readGuest(image, guestOffset + offset, into)
  return into
}

function* writeRegion(
  image: Image,
  { hostOffset }: Allocation,
  offset: number,
  data: Uint8Array,
): Routine<void> {
  if (data.length === 0) return
  yield* checkOverlap(image, hostOffset + offset, data.length, undefined)
  yield* reach(image.file, 'cow_write')
  yield* wait(image.file.write(hostOffset + offset, data))
}
