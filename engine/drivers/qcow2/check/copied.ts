/** An entry is marked as copied exactly where what it points to has one reference. */
import { BlockError, errnoText } from '../../../util/errors.ts'
import { wait, type Routine } from '../../../util/routine.ts'
import { giveBytes, takeBytes } from '../../../util/spare-bytes.ts'
import { WordTable } from '../../../util/struct.ts'
import { COPIED, kindAt, offsetAt } from '../entry.ts'
import { ENTRY_BYTES } from '../geometry.ts'
import type { Image } from '../image.ts'
import { writeL1Entry } from '../l1.ts'
import { checkOverlap } from '../overlap.ts'
import { blockOf, peekRefcount } from '../refcount-lookup.ts'
import { corrupt, fixed, type Checking } from './checking.ts'
import { exact } from './references.ts'

/** @throws {BlockError} for what cannot be read or written. */
export function* checkCopied(checking: Checking): Routine<void> {
  const { l1 } = checking.image
  const repair = mayRepair(checking)
  for (let index = l1.nextSet(0); index < l1.length; index = l1.nextSet(index + 1)) {
    const l2Offset = offsetAt(l1, index)
    if (l2Offset !== 0) yield* checkEntry(checking, index, l2Offset, repair)
  }
}

/** Where only leaks are to be repaired, this is if the counts are right now. */
function mayRepair({ repair, found }: Checking): boolean {
  const { corruptions, leaks, checkErrors } = found
  return repair.errors || (repair.leaks && checkErrors + corruptions + leaks === 0)
}

function* checkEntry(
  checking: Checking,
  index: number,
  l2Offset: number,
  repair: boolean,
): Routine<void> {
  const { image, found, tell } = checking
  const { l1, geometry } = image
  const refcount = yield* countAt(image, l2Offset)
  if (refcount === undefined) return
  if ((refcount === 1n) !== ((l1.high(index) & COPIED) !== 0)) {
    corrupt(
      checking,
      `${repair ? 'Repairing' : 'ERROR'} OFLAG_COPIED L2 cluster: l1_index=${String(index)} ` +
        `l1_entry=${exact(l1, index)} refcount=${String(refcount)}`,
    )
    if (repair) {
      setCopied(l1, index, refcount)
      yield* counted(checking, writeL1Entry(image, index))
      fixed(checking)
    }
  }
  const l2 = new WordTable(takeBytes(geometry.l2Entries * ENTRY_BYTES))
  yield* counted(checking, wait(image.file.read(l2Offset, l2.bytes)), (error) => {
    tell(`ERROR: I/O error in check_oflag_copied: ${errnoText(error.errno)}`)
  })
  const before = found.corruptions
  yield* checkTable(checking, l2, repair)
  const changed = found.corruptions - before
  if (!repair || changed === 0) {
    giveBytes(l2.bytes)
    return
  }
  const bytes = geometry.clusterBytes
  yield* counted(checking, checkOverlap(image, l2Offset, bytes, 'active-l2'), (error) => {
    const why = `metadata overlap check failed: ${errnoText(error.errno)}`
    tell(`ERROR: Could not write L2 table; ${why}`)
  })
  yield* counted(checking, wait(image.file.write(l2Offset, l2.bytes)), (error) => {
    tell(`ERROR: Could not write L2 table: ${errnoText(error.errno)}`)
  })
  fixed(checking, changed)
}

function* checkTable(checking: Checking, l2: WordTable, repair: boolean): Routine<void> {
  const { clusterBytes } = checking.image.geometry
  for (let index = l2.nextSet(0); index < l2.length; index = l2.nextSet(index + 1)) {
    const kind = kindAt(l2, index)
    if (kind !== 'normal' && kind !== 'zero-allocated') continue
    const copied = (l2.high(index) & COPIED) !== 0
    const known = peekRefcount(checking.image, Math.floor(offsetAt(l2, index) / clusterBytes))
    if (known !== undefined && (known === 1) === copied) continue
    const refcount = yield* countAt(checking.image, offsetAt(l2, index))
    if (refcount === undefined || (refcount === 1n) === copied) continue
    corrupt(
      checking,
      `${repair ? 'Repairing' : 'ERROR'} OFLAG_COPIED data cluster: ` +
        `l2_entry=${exact(l2, index)} refcount=${String(refcount)}`,
    )
    if (repair) setCopied(l2, index, refcount)
  }
}

function setCopied(table: WordTable, index: number, refcount: bigint): void {
  const high = table.high(index)
  const flagged = refcount === 1n ? high | COPIED : high & ~COPIED
  table.set(index, flagged >>> 0, table.low(index))
}

/** What fails ends the check, and is one of its errors. */
function* counted<T>(
  { found }: Checking,
  routine: Routine<T>,
  tell?: (error: BlockError) => void,
): Routine<T> {
  try {
    return yield* routine
  } catch (error) {
    if (error instanceof BlockError) {
      tell?.(error)
      found.checkErrors++
    }
    throw error
  }
}

/** Nothing where it cannot be read, which was told before. */
function* countAt(image: Image, offset: number): Routine<bigint | undefined> {
  const { clusterBytes, refcountsPerBlock } = image.geometry
  const cluster = Math.floor(offset / clusterBytes)
  try {
    const block = yield* blockOf(image, cluster)
    return block === undefined ? 0n : image.codec.exact(block.bytes, cluster % refcountsPerBlock)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return undefined
  }
}
