/** Mapping all clusters of a range in advance, with or without storage behind them. */
import { alignUp } from '../../util/align.ts'
import { wait, type Routine } from '../../util/routine.ts'
import type { Allocation } from './allocation.ts'
import { clusterEnd, clusterStart } from './geometry.ts'
import { hostRange } from './host-range.ts'
import type { Image } from './image.ts'
import { finishAllocations } from './link.ts'
import { sliceEntries } from './mapping.ts'
import { placeRefcountArea } from './refcount-area.ts'
import { freeClusters } from './refcount-change.ts'

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
    for (const allocation of allocations) allocation.skipCopy = true
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
  const area = alignUp(file.length(), clusterBytes)
  const { extraOffset, oldTable } = yield* placeRefcountArea(image, area, clusters, true)
  yield* freeClusters(image, oldTable.offset, oldTable.bytes, 'other')
  let hostOffset = extraOffset
  yield* wait(
    file.truncate(hostOffset + clusters * clusterBytes, { exact: false, preallocation: mode }),
  )
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
