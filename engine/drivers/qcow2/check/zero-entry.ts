/** Repairing an entry of zeroes whose storage is nowhere: it keeps the zeroes and loses the storage. */
import { BlockError, errnoText } from '../../../util/errors.ts'
import type { Routine } from '../../../util/routine.ts'
import type { WordTable } from '../../../util/struct.ts'
import { offsetAt, setEntry, ZERO } from '../entry.ts'
import { ENTRY_BYTES } from '../geometry.ts'
import { checkOverlap } from '../overlap.ts'
import { writeStable } from '../storage.ts'
import { corrupt, fixed, type Checking } from './checking.ts'
import type { TableOwner } from './references.ts'

interface EntryPlace {
  readonly l2Offset: number
  readonly l2: WordTable
  readonly index: number
  readonly owner: TableOwner
}

/**
 * @returns whether the entry was repaired.
 * @throws {BlockError} where its table lies over other structures.
 */
export function* zeroEntry(
  checking: Checking,
  { l2Offset, l2, index, owner }: EntryPlace,
): Routine<boolean> {
  const { image, repair, found, tell } = checking
  const offset = offsetAt(l2, index).toString(16)
  corrupt(
    checking,
    `${repair.errors ? 'Repairing' : 'ERROR'} offset=${offset}: ` +
      'Preallocated cluster is not properly aligned; L2 entry corrupted.',
  )
  if (!repair.errors) return false
  const at = l2Offset + index * ENTRY_BYTES
  setEntry(l2, index, 0, 0, ZERO)
  try {
    const own = owner === 'active' ? 'active-l2' : 'inactive-l2'
    yield* checkOverlap(image, at, ENTRY_BYTES, own)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    tell('ERROR: Overlap check failed')
    found.checkErrors++
    throw error
  }
  try {
    const from = index * ENTRY_BYTES
    yield* writeStable(image.file, at, l2.bytes.slice(from, from + ENTRY_BYTES))
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    tell(`ERROR: Failed to overwrite L2 table entry: ${errnoText(error.errno)}`)
    found.checkErrors++
    return false
  }
  fixed(checking)
  return true
}
