/** Zeroing and discarding: changes of the map, and clusters given back. */
import type { RequestFlags } from '../../block/driver.ts'
import type { MaybePromise } from '../../util/async.ts'
import { isAligned } from '../../util/align.ts'
import { ioError } from '../../util/errors.ts'
import { run, type Routine } from '../../util/routine.ts'
import type { WordTable } from '../../util/struct.ts'
import { entryCopy, isAllocated, kindAt, ZERO } from './entry.ts'
import { clusterEnd, clusterStart } from './geometry.ts'
import type { Image } from './image.ts'
import { writableL2 } from './l1.ts'
import { clustersTouched, lookUp } from './mapping.ts'
import type { DiscardKind } from './options.ts'
import { freeEntry } from './refcounts.ts'
import { readsAsZero } from './status.ts'

/** @throws {BlockError} `ENOTSUP` where zeroes have to be written. */
export function zero(
  image: Image,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  return run(zeroRange(image, offset, bytes, flags))
}

function* zeroRange(
  image: Image,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): Routine<void> {
  const { geometry } = image
  if (image.dead) throw ioError('ENOMEDIUM')
  const from = clusterStart(geometry, offset)
  const end = offset + bytes
  const to = clusterEnd(geometry, end)
  const tail = end === image.header.size ? end : to
  const partial = from !== offset || tail !== end
  if (partial) {
    const restIsZero =
      (yield* readsAsZero(image, from, offset - from)) &&
      (yield* readsAsZero(image, end, tail - end))
    if (!restIsZero) throw ioError('ENOTSUP')
  }
  yield* image.lock.during(function* () {
    yield* image.inFlight.settle(image.lock, from, to)
    if (partial && !(yield* showsZero(image, from))) throw ioError('ENOTSUP')
    yield* zeroClusters(image, from, to - from, flags.mayUnmap === true)
  })
}

/** With the lock held: the cluster's own entry still says so. */
function* showsZero(image: Image, offset: number): Routine<boolean> {
  const { kind } = yield* lookUp(image, offset, 1)
  return kind === 'unallocated' || kind === 'zero' || kind === 'zero-allocated'
}

/** With the lock held: makes whole clusters read as zeroes. */
export function* zeroClusters(
  image: Image,
  offset: number,
  bytes: number,
  mayUnmap: boolean,
): Routine<void> {
  if (image.geometry.version < 3) {
    // There is no flag for zeroes; without a backing image nothing at all does as well.
    if (image.around.backing() !== undefined) throw ioError('ENOTSUP')
    yield* discardClusters(image, offset, bytes, 'request', false)
    return
  }
  yield* eachSlice(image, offset, bytes, 'request', (words, index) => {
    const kind = kindAt(words, index)
    const unmaps = kind === 'compressed' || (mayUnmap && isAllocated(kind))
    const high = unmaps ? 0 : words.high(index)
    const low = ((unmaps ? 0 : words.low(index)) | ZERO) >>> 0
    return { high, low, frees: unmaps }
  })
}

/** @throws {BlockError} `ENOTSUP` where it would change what else is shown. */
export function discard(image: Image, offset: number, bytes: number): MaybePromise<void> {
  return run(discardRange(image, offset, bytes))
}

function* discardRange(image: Image, offset: number, bytes: number): Routine<void> {
  const { geometry, header } = image
  const { clusterBytes } = geometry
  if (image.dead) throw ioError('ENOMEDIUM')
  // Without a zero flag the backing image would show through again.
  if (geometry.version < 3 && image.around.backing() !== undefined) throw ioError('ENOTSUP')
  const whole = isAligned(offset, clusterBytes) && isAligned(bytes, clusterBytes)
  const last = isAligned(offset, clusterBytes) && offset + bytes === header.size
  if (!whole && !last) throw ioError('ENOTSUP')
  yield* image.lock.during(function* () {
    yield* image.inFlight.settle(image.lock, offset, offset + bytes)
    yield* discardClusters(image, offset, bytes, 'request', false)
  })
}

/**
 * With the lock held: gives clusters back.
 *
 * @param forGood - Nothing shows in their place; else zeroes do.
 */
export function* discardClusters(
  image: Image,
  offset: number,
  bytes: number,
  kind: DiscardKind,
  forGood: boolean,
): Routine<void> {
  const { geometry } = image
  const backed = image.around.backing() !== undefined
  yield* eachSlice(image, offset, bytes, kind, (words, index) => {
    const old = { high: words.high(index), low: words.low(index) }
    if (forGood) return { high: 0, low: 0, frees: true }
    if (!backed && !isAllocated(kindAt(words, index))) return { ...old, frees: true }
    return { high: 0, low: geometry.version >= 3 ? ZERO : 0, frees: true }
  })
}

interface NewEntry {
  readonly high: number
  readonly low: number
  /** What the old entry pointed to is given back. */
  readonly frees: boolean
}

/** Changes the entries of whole clusters, one cached piece of a table at a time. */
function* eachSlice(
  image: Image,
  offset: number,
  bytes: number,
  kind: DiscardKind,
  change: (words: WordTable, index: number) => NewEntry,
): Routine<void> {
  const { clusterBytes } = image.geometry
  image.discards.held = true
  try {
    let left = clustersTouched(image, offset, bytes)
    for (let at = offset; left > 0;) {
      const { table, index } = yield* writableL2(image, at)
      const count = Math.min(left, table.words.length - index)
      yield* changeEntries(image, at, count, kind, change)
      at += count * clusterBytes
      left -= count
    }
  } catch (error) {
    image.discards.clear()
    throw error
  } finally {
    image.discards.held = false
  }
  yield* image.discards.process(image.file)
}

function* changeEntries(
  image: Image,
  offset: number,
  count: number,
  kind: DiscardKind,
  change: (words: WordTable, index: number) => NewEntry,
): Routine<void> {
  const { clusterBytes } = image.geometry
  for (let done = 0; done < count; done++) {
    const { table, index } = yield* writableL2(image, offset + done * clusterBytes)
    const { words } = table
    const next = change(words, index)
    if (next.high === words.high(index) && next.low === words.low(index)) continue
    const old = entryCopy(words, index)
    words.set(index, next.high, next.low)
    table.dirty = true
    if (next.frees) yield* freeEntry(image, old, 0, kind)
  }
}
