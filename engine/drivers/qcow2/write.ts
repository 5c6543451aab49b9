/** Writing guest data. */
import { reach } from './storage.ts'
import { isPromise, type MaybePromise } from '../../util/async.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { run, wait, type Routine } from '../../util/routine.ts'
import type { Allocation } from './allocation.ts'
import { hostRange } from './host-range.ts'
import type { Image } from './image.ts'
import type { DataRequest } from './in-flight.ts'
import { abortAllocations, finishAllocations } from './link.ts'
import { trimIfDue } from './trim.ts'
import { checkOverlap } from './overlap.ts'
import { isKnownZero } from './status.ts'

export function write(image: Image, offset: number, data: Uint8Array): MaybePromise<void> {
  return run(writeAll(image, offset, data))
}

function* writeAll(image: Image, offset: number, data: Uint8Array): Routine<void> {
  trimIfDue(image)
  const request = image.inFlight.begin('write', offset, offset + data.length)
  try {
    for (let done = 0; done < data.length;) {
      done += yield* writePart(image, offset + done, data.subarray(done), request)
    }
  } finally {
    image.inFlight.end(request)
  }
}

/** @returns how many bytes were written: what lies in one piece in the file. */
function* writePart(
  image: Image,
  offset: number,
  data: Uint8Array,
  request: DataRequest,
): Routine<number> {
  const { bytes, hostOffset, allocations } = yield* image.lock.during(function* () {
    if (image.dead) throw ioError('ENOMEDIUM')
    const found = yield* hostRange(image, offset, data.length)
    try {
      yield* checkOverlap(image, found.hostOffset, found.bytes)
    } catch (error) {
      yield* abortAllocations(image, found.allocations)
      throw error
    }
    return found
  })
  const part = data.subarray(0, bytes)
  try {
    yield* zeroNewClusters(image, allocations)
    if (!mergeCopy(allocations, offset, part)) {
      yield* reach(image.file, 'write_aio')
      const writing = image.file.write(hostOffset, part)
      if (isPromise(writing)) yield* wait(writing)
    }
  } catch (error) {
    yield* image.lock.during(() => abortAllocations(image, allocations))
    throw error
  }
  if (allocations.length > 0) {
    yield* image.lock.during(() => finishAllocations(image, allocations, part, request))
  }
  return bytes
}

/** Where head and tail would only copy zeroes, the new clusters are zeroed as a whole instead. */
function* zeroNewClusters(image: Image, allocations: readonly Allocation[]): Routine<void> {
  for (const allocation of allocations.toReversed()) {
    const { guestOffset, hostOffset, head, tail } = allocation
    if (head.bytes === 0 && tail.bytes === 0) continue
    if (!(yield* isKnownZero(image, guestOffset + head.offset, head.bytes))) continue
    if (!(yield* isKnownZero(image, guestOffset + tail.offset, tail.bytes))) continue
    const start = hostOffset + head.offset
    const bytes = tail.offset + tail.bytes - head.offset
    yield* checkOverlap(image, start, bytes)
    yield* reach(image.file, 'cluster_alloc_space')
    try {
      yield* wait(image.file.zero(start, bytes, { noFallback: true }))
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      if (error.errno !== 'ENOTSUP' && error.errno !== 'EAGAIN') throw error
      continue
    }
    allocation.skipCopy = true
  }
}

/** Whether one allocation can write the data between its head and tail, in one go. */
function mergeCopy(allocations: readonly Allocation[], offset: number, data: Uint8Array): boolean {
  for (const allocation of allocations.toReversed()) {
    const { guestOffset, head, tail } = allocation
    if ((head.bytes === 0 && tail.bytes === 0) || allocation.skipCopy) continue
    if (guestOffset + head.offset + head.bytes !== offset) continue
    if (guestOffset + tail.offset !== offset + data.length) continue
    allocation.mergesData = true
    return true
  }
  return false
}
