/** What is known of runs of the disk. */
import type { BlockStatus, StatusQuery } from '../../block/driver.ts'
import type { MaybePromise } from '../../util/async.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { run, wait, type Routine } from '../../util/routine.ts'
import { isOutOfReach } from './corruption.ts'
import type { Image } from './image.ts'
import { lookUp, type Mapping } from './mapping.ts'
import { visitCounted } from './refcount-lookup.ts'

export function status(
  image: Image,
  offset: number,
  bytes: number,
  query?: StatusQuery,
): MaybePromise<BlockStatus> {
  return run(statusAt(image, offset, bytes, query))
}

export function* statusAt(
  image: Image,
  offset: number,
  bytes: number,
  query: StatusQuery = {},
): Routine<BlockStatus> {
  if (isOutOfReach(image)) throw ioError('ENOMEDIUM')
  const mapping = yield* image.lock.during(function* () {
    image.metadataPreallocated ??= yield* isMetadataPreallocated(image)
    return yield* lookUp(image, offset, bytes)
  })
  const found = ownStatus(mapping)
  if (
    query.allocationOnly === true ||
    image.metadataPreallocated !== true ||
    !found.data ||
    found.offset === undefined
  ) {
    return found
  }
  // Clusters may have been mapped without ever being written.
  const below = yield* wait(image.file.status(found.offset, found.bytes))
  if (below.eof === true && below.bytes < found.bytes && below.zero) return { ...found, zero: true }
  return { ...found, bytes: Math.min(found.bytes, below.bytes), zero: below.zero }
}

function ownStatus({ kind, hostOffset, bytes }: Mapping): BlockStatus {
  switch (kind) {
    case 'normal':
      return { bytes, allocated: true, data: true, zero: false, offset: hostOffset }
    case 'compressed':
      return { bytes, allocated: true, data: true, zero: false }
    case 'zero-allocated':
      return { bytes, allocated: true, data: false, zero: true, offset: hostOffset }
    case 'zero':
      return { bytes, allocated: true, data: false, zero: true }
    case 'unallocated':
      return { bytes, allocated: false, data: false, zero: false }
  }
}

/** A file with less storage than its counted clusters need was preallocated without data. */
function* isMetadataPreallocated(image: Image): Routine<boolean> {
  const { clusterBytes } = image.geometry
  const allocated = image.file.info?.().allocatedBytes
  if (allocated === undefined) return false
  const stored = Math.floor(allocated / clusterBytes)
  const threshold = Math.max(Math.floor((stored * 10) / 9), stored + 2)
  const clusters = Math.ceil(image.file.length() / clusterBytes)
  let counted = 0
  try {
    yield* visitCounted(image, clusters, 'ascending', () => {
      counted++
      return counted >= threshold
    })
  } catch (error) {
    // Counts that cannot be read say nothing; that they are wrong has been told.
    if (!(error instanceof BlockError)) throw error
    return false
  }
  return counted >= threshold
}

/** Whether a range, seen through the whole chain, is known to be zeroes without reading it. */
export function* readsAsZero(image: Image, offset: number, bytes: number): Routine<boolean> {
  const end = Math.min(offset + bytes, image.header.size)
  for (let at = offset; at < end;) {
    const found = yield* statusAt(image, at, end - at)
    const known = found.allocated || found.zero ? found : yield* backingStatus(image, at, found)
    if (!known.zero) return false
    at += known.bytes
  }
  return true
}

function* backingStatus(
  image: Image,
  offset: number,
  own: BlockStatus,
  query?: StatusQuery,
): Routine<BlockStatus> {
  const backing = image.around.backing()
  if (backing === undefined || offset >= backing.length()) return { ...own, zero: true }
  return yield* wait(backing.statusAbove(offset, own.bytes, undefined, query))
}

/**
 * The same by one cheap look: where the answer is not one run, or lies past the end, or holes would
 * have to be looked for, it is no. Only to save work, where a wrong no does no harm.
 */
export function* isKnownZero(image: Image, offset: number, bytes: number): Routine<boolean> {
  if (bytes === 0) return true
  if (offset >= image.header.size) return false
  const query = { allocationOnly: true }
  const found = yield* statusAt(image, offset, Math.min(bytes, image.header.size - offset), query)
  const known =
    found.allocated || found.zero ? found : yield* backingStatus(image, offset, found, query)
  return known.zero && known.bytes === bytes
}
