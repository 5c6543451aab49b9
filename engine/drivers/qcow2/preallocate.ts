/** Mapping all clusters of a range in advance, with or without storage behind them. */
import { assert } from '../../util/assert.ts'
import { wait, type Routine } from '../../util/routine.ts'
import type { Allocation } from './allocation.ts'
import { told } from './context.ts'
import { clusterEnd, clusterStart } from './geometry.ts'
import { hostRange } from './host-range.ts'
import type { Image } from './image.ts'
import { finishAllocations } from './link.ts'
import { sliceEntries } from './mapping.ts'
import { placeRefcountArea } from './refcount-area.ts'
import { freeClusters } from './refcount-change.ts'
import { visitCounted } from './refcount-lookup.ts'
import { allocateClustersAt } from './refcounts.ts'

type Mode = 'metadata' | 'falloc' | 'full'

/** With the lock held: maps what lies between the old end of the disk and `end`. */
export function* preallocate(image: Image, end: number, mode: Mode): Routine<void> {
  if (mode === 'metadata') yield* mapInPlaces(image, image.header.size, end)
  else yield* mapInOnePiece(image, image.header.size, end, mode)
  yield* image.l2Cache.write()
  yield* image.refcountCache.write()
}

/** Takes clusters as writes would. */
function* mapInPlaces(image: Image, start: number, end: number): Routine<void> {
  let hostEnd = 0
  for (let at = start; at < end;) {
    const { hostOffset, bytes, allocations } = yield* hostRange(image, at, end - at)
    yield* finishAllocations(image, allocations, undefined, undefined)
    hostEnd = clusterEnd(image.geometry, hostOffset + bytes)
    at += bytes
  }
  // Reading what lies past the end of the file must be possible.
  if (hostEnd > image.file.length()) yield* wait(image.file.truncate(hostEnd, { exact: false }))
}

/** Puts all clusters behind the end of the file and lets the file grow over them. */
function* mapInOnePiece(
  image: Image,
  start: number,
  end: number,
  mode: 'falloc' | 'full',
): Routine<void> {
  const { geometry, file } = image
  const { clusterBytes } = geometry
  const clusters = (clusterEnd(geometry, end) - clusterStart(geometry, start)) / clusterBytes
  // Room for all L2 tables too, so that no refcount block comes between.
  const l2Tables = Math.ceil(clusters / geometry.l2Entries) + 2
  const { end: area, oldTable } = yield* placeRefcountArea(
    image,
    yield* endOfUse(image),
    clusters + l2Tables,
    true,
  )
  yield* freeClusters(image, oldTable.offset, oldTable.bytes, 'other')
  const taken = yield* allocateClustersAt(image, area, clusters)
  assert(taken === clusters, 'what lies behind the end of the file is free')
  const bytes = clusters * clusterBytes
  try {
    yield* told(
      'Failed to resize underlying file',
      wait(file.truncate(area + bytes, { exact: false, preallocation: mode })),
    )
  } catch (error) {
    yield* freeClusters(image, area, bytes, 'other')
    throw error
  }
  let hostOffset = area
  for (let left = clusters, at = start; left > 0;) {
    const slice = sliceEntries(image)
    const index = Math.floor(at / clusterBytes) % slice
    const count = Math.min(left, slice - index)
    yield* finishAllocations(
      image,
      [allocationAt(image, at, hostOffset, count)],
      undefined,
      undefined,
    )
    hostOffset += count * clusterBytes
    at = clusterStart(geometry, at) + count * clusterBytes
    left -= count
  }
}

function allocationAt(
  image: Image,
  offset: number,
  hostOffset: number,
  clusters: number,
): Allocation {
  const guestOffset = clusterStart(image.geometry, offset)
  const within = offset - guestOffset
  return {
    guestOffset,
    hostOffset,
    clusters,
    keepsOld: false,
    head: { offset: 0, bytes: within },
    tail: { offset: clusters * image.geometry.clusterBytes, bytes: 0 },
    skipCopy: false,
    mergesData: false,
    waiters: [],
  }
}

/** Where the last cluster in use ends. */
function* endOfUse(image: Image): Routine<number> {
  const { clusterBytes } = image.geometry
  let clusters = 0
  const all = Math.ceil(image.file.length() / clusterBytes)
  yield* visitCounted(image, all, 'descending', (last) => {
    clusters = last + 1
    return true
  })
  return clusters * clusterBytes
}
