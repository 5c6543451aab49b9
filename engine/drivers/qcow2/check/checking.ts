/** What a check has found so far, and the counting of references that all parts of it do. */
import type { CheckAbout } from '../../../block/driver.ts'
import { ioError } from '../../../util/errors.ts'
import type { Image } from '../image.ts'
import { ReferenceCounts } from './reference-counts.ts'

/** Findings by kind. What was repaired counts as repaired only. */
export interface Findings {
  corruptions: number
  leaks: number
  /** What could not be checked, or not be repaired. */
  checkErrors: number
  corruptionsFixed: number
  leaksFixed: number
  /** Clusters of the disk with storage; of them those out of sequence, and compressed ones. */
  allocated: number
  fragmented: number
  compressed: number
}

export interface Checking {
  readonly image: Image
  readonly tell: CheckAbout['tell']
  /** In this phase. */
  repair: Repair
  readonly counts: ReferenceCounts
  /** Clusters that are looked at: those of the file, and what references reach behind it. */
  clusters: number
  /** The refcount structure is beyond repair: it has to be made anew. */
  rebuild: boolean
  /** The highest cluster that is in use or counted as such. */
  highest: number
  found: Findings
}

/** What may be changed. */
export interface Repair {
  /** Counts that are too high. */
  readonly leaks: boolean
  /** Everything else. */
  readonly errors: boolean
}

export const REPAIR_NOTHING: Repair = { leaks: false, errors: false }

export function noFindings(): Findings {
  return {
    corruptions: 0,
    leaks: 0,
    checkErrors: 0,
    corruptionsFixed: 0,
    leaksFixed: 0,
    allocated: 0,
    fragmented: 0,
    compressed: 0,
  }
}

export function corrupt({ found, tell }: Checking, line: string): void {
  tell(line)
  found.corruptions++
}

/** A corruption that was told of is one no more. */
export function fixed({ found }: Checking, count = 1): void {
  found.corruptions -= count
  found.corruptionsFixed += count
}

/**
 * Counts a reference to each cluster that the range touches.
 *
 * @param exact - The offset as it is told, where a number may round it.
 * @throws {BlockError} `ENOMEM` for an offset that no file has.
 */
export function reference(
  checking: Checking,
  offset: number,
  bytes: number,
  exact: number | bigint = offset,
): void {
  const { image, counts } = checking
  if (bytes <= 0) return
  if (offset + bytes > 2 ** 63) {
    // With 7.2, that is no place behind the end of the file, but one without memory for its counts.
    checking.found.checkErrors++
    throw ioError('ENOMEM')
  }
  const { clusterBytes, maxRefcount } = image.geometry
  if (offset + bytes - image.file.length() >= clusterBytes) {
    corrupt(
      checking,
      'ERROR: counting reference for region exceeding the end of the file by one cluster or ' +
        `more: offset 0x${exact.toString(16)} size 0x${bytes.toString(16)}`,
    )
    return
  }
  const last = Math.floor((offset + bytes - 1) / clusterBytes)
  for (let index = Math.floor(offset / clusterBytes); index <= last; index++) {
    checking.clusters = Math.max(checking.clusters, index + 1)
    const count = counts.get(index)
    if (count < maxRefcount) counts.set(index, count + 1)
    else tellOverflow(checking, index * clusterBytes)
  }
}

function tellOverflow(checking: Checking, offset: number): void {
  corrupt(checking, `ERROR: overflow cluster offset=0x${offset.toString(16)}`)
  checking.tell(
    'Use qemu-img amend to increase the refcount entry width or qemu-img convert to create a ' +
      'clean copy if the image cannot be opened for writing',
  )
}
