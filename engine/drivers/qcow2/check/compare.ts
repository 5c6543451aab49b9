/** Comparing counts of the image with the references that were found. */
import { BlockError, errnoText } from '../../../util/errors.ts'
import type { Routine } from '../../../util/routine.ts'
import { blockOffsetAt } from '../entry.ts'
import type { Image } from '../image.ts'
import { setRefcount } from '../refcount-change.ts'
import { blockOf, peekRefcount, refcountOf } from '../refcount-lookup.ts'
import type { Checking } from './checking.ts'

export function* compareCounts(checking: Checking): Routine<void> {
  const { image, counts, clusters } = checking
  const { refcountTable } = image
  const perBlock = image.geometry.refcountsPerBlock
  checking.highest = 0
  for (let index = 0; index < clusters;) {
    const block = Math.floor(index / perBlock)
    if (block < refcountTable.length && blockOffsetAt(refcountTable, block) !== 0) {
      const end = Math.min((block + 1) * perBlock, clusters)
      for (; index < end; index++) {
        // A routine for each would take longer than the count itself, which mostly is in memory.
        const counted = peekRefcount(image, index) ?? (yield* countOrError(checking, index))
        if (counted !== undefined && isWrong(checking, index, counted)) {
          yield* report(checking, index, counted)
        }
      }
      continue
    }
    // Nothing is counted in this block: only what is referenced counts.
    const nextCounted = Math.max(index, refcountTable.nextSet(block) * perBlock)
    const end = block < refcountTable.length ? Math.min(nextCounted, clusters) : clusters
    for (; index < end; index = counts.next(index + 1)) {
      if (isWrong(checking, index, 0)) yield* report(checking, index, 0)
    }
    index = Math.max(end, (block + 1) * perBlock)
  }
}

function isWrong(checking: Checking, index: number, counted: number): boolean {
  const wanted = checking.counts.get(index)
  if (counted > 0 || wanted > 0) checking.highest = index
  return counted !== wanted
}

function* report(checking: Checking, index: number, counted: number): Routine<void> {
  const { image, counts, found, tell, repair } = checking
  const wanted = counts.get(index)
  if (counted === 0) checking.rebuild = true
  const tooLow = counted < wanted
  const mayFix = counted > 0 && (tooLow ? repair.errors : repair.leaks)
  const exact = yield* exactCount(image, index)
  tell(
    `${mayFix ? 'Repairing' : tooLow ? 'ERROR' : 'Leaked'} cluster ${String(index)} ` +
      `refcount=${String(exact)} reference=${String(wanted)}`,
  )
  if (mayFix && (yield* correct(image, index, wanted, !tooLow))) {
    found[tooLow ? 'corruptionsFixed' : 'leaksFixed']++
  } else {
    found[tooLow ? 'corruptions' : 'leaks']++
  }
}

function* countOrError(checking: Checking, index: number): Routine<number | undefined> {
  try {
    return yield* refcountOf(checking.image, index)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    checking.tell(`Can't get refcount for cluster ${String(index)}: ${errnoText(error.errno)}`)
    checking.found.checkErrors++
    return undefined
  }
}

function* exactCount(image: Image, index: number): Routine<bigint> {
  const block = yield* blockOf(image, index)
  if (block === undefined) return 0n
  return image.codec.exact(block.bytes, index % image.geometry.refcountsPerBlock)
}

/** @returns whether the count is right now. */
function* correct(image: Image, index: number, count: number, sinks: boolean): Routine<boolean> {
  try {
    yield* setRefcount(image, index, count, sinks)
    return true
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return false
  }
}
