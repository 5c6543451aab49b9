/**
 * Checking an image: every reference is counted and compared with what the refcounts say, and
 * repaired where that is wanted.
 */
import type { CheckAbout, CheckReport } from '../../../block/driver.ts'
import { ioError } from '../../../util/errors.ts'
import type { Routine } from '../../../util/routine.ts'
import { markClean, markConsistent } from '../header-write.ts'
import type { Image } from '../image.ts'
import {
  noFindings,
  REPAIR_NOTHING,
  type Checking,
  type Findings,
  type Repair,
} from './checking.ts'
import { compareCounts } from './compare.ts'
import { checkCopied } from './copied.ts'
import { rebuildRefcounts } from './rebuild.ts'
import { countReferences } from './references.ts'
import { ReferenceCounts } from './reference-counts.ts'
import { readSnapshotTable, repairSnapshotTable } from './snapshot-table.ts'

const INT_MAX = 2 ** 31 - 1

const REPAIRS: Readonly<Record<NonNullable<CheckAbout['repair']> | 'nothing', Repair>> = {
  nothing: REPAIR_NOTHING,
  leaks: { leaks: true, errors: false },
  all: { leaks: true, errors: true },
}

/**
 * With the lock held.
 *
 * @throws {BlockError} where the check could not go on.
 */
export function* checkImage(image: Image, about: CheckAbout): Routine<CheckReport> {
  if (image.dead) throw ioError('ENOMEDIUM')
  // Counts are read through their cache, entries are not.
  yield* image.l2Cache.write()
  const { geometry, file } = image
  const checking: Checking = {
    image,
    tell: about.tell,
    repair: REPAIRS[about.repair ?? 'nothing'],
    counts: new ReferenceCounts(),
    clusters: Math.ceil(file.length() / geometry.clusterBytes),
    rebuild: false,
    highest: 0,
    found: noFindings(),
  }
  const snapshots = { ...checking, found: noFindings() }
  yield* readSnapshotTable(snapshots)
  if (checking.clusters > INT_MAX) throw ioError('EFBIG')
  yield* checkCounts(checking)
  yield* checkCopied(checking)
  if (about.repair !== undefined) image.l2Cache.forget()
  yield* repairSnapshotTable(snapshots)
  const found = sum(checking.found, snapshots.found)
  if (about.repair !== undefined && found.checkErrors === 0 && found.corruptions === 0) {
    yield* markClean(image)
    yield* markConsistent(image)
  }
  return {
    ...found,
    imageEnd: (checking.highest + 1) * geometry.clusterBytes,
    total: Math.ceil(image.header.size / geometry.clusterBytes),
  }
}

function sum(one: Findings, other: Findings): Findings {
  return {
    ...one,
    corruptions: one.corruptions + other.corruptions,
    checkErrors: one.checkErrors + other.checkErrors,
    corruptionsFixed: one.corruptionsFixed + other.corruptionsFixed,
  }
}

/** Counts and compares; counts that are wrong are set, or the whole structure made anew. */
function* checkCounts(checking: Checking): Routine<void> {
  const { repair, tell } = checking
  yield* countReferences(checking)
  const before = { ...checking.found }
  checking.repair = REPAIR_NOTHING
  yield* compareCounts(checking)
  checking.repair = repair
  if (checking.rebuild && repair.errors) {
    tell('Rebuilding refcount structure')
    yield* rebuildRefcounts(checking)
    yield* recount(checking)
    checking.repair = repair
  } else if (repair.leaks) {
    if (checking.rebuild) {
      tell('ERROR need to rebuild refcount structures')
      throw ioError('EIO')
    }
    if (checking.found.leaks === 0 && checking.found.corruptions === 0) return
    // The same again, and this time told as repaired.
    checking.found = before
    yield* compareCounts(checking)
  }
}

/** With the new refcount structure, the old one has become a leak; what it was is found no more. */
function* recount(checking: Checking): Routine<void> {
  const { tell, found } = checking
  const old = { corruptions: found.corruptions, leaks: found.leaks }
  found.corruptions = 0
  found.leaks = 0
  startAgain(checking)
  yield* countReferences(checking)
  checking.repair = { leaks: true, errors: false }
  // Nobody is told how many leaks of its own making the repair has mended.
  checking.found = noFindings()
  yield* compareCounts(checking)
  checking.found = found
  if (checking.rebuild) tell('ERROR rebuilt refcount structure is still broken')
  if (found.corruptions < old.corruptions) {
    found.corruptionsFixed += old.corruptions - found.corruptions
  }
  if (found.leaks < old.leaks) found.leaksFixed += old.leaks - found.leaks
}

function startAgain(checking: Checking): void {
  checking.rebuild = false
  checking.repair = REPAIR_NOTHING
  checking.counts.clear()
}
