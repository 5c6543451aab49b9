/** The table of internal snapshots: whether it can be read, and what is dropped of it by a repair. */
import { BlockError, errnoText } from '../../../util/errors.ts'
import { alignUp } from '../../../util/align.ts'
import { wait, type Routine } from '../../../util/routine.ts'
import { FIELD_OFFSETS, SNAPSHOTS_PLACE } from '../header.ts'
import type { Image } from '../image.ts'
import { checkOverlap } from '../overlap.ts'
import { checkSnapshotTable, MAX_SNAPSHOTS } from '../read-header.ts'
import { freeClusters } from '../refcount-change.ts'
import { allocateClusters } from '../refcounts.ts'
import { encodeSnapshot, isComplete, readSnapshots, type SnapshotDamage } from '../snapshots.ts'
import { writeStable } from '../storage.ts'
import { writeTables } from '../write-tables.ts'
import { corrupt, fixed, type Checking } from './checking.ts'

/**
 * Reads the table, which opening for a check does not.
 *
 * @throws {BlockError} where that cannot be done.
 */
export function* readSnapshotTable(checking: Checking): Routine<void> {
  const { image, repair, tell } = checking
  const { header, geometry, file, around } = image
  yield* readPlace(checking)
  const over = Math.max(0, header.snapshotCount - MAX_SNAPSHOTS)
  if (over > 0 && repair.errors) {
    tell(`Discarding ${String(over)} overhanging snapshots`)
    header.snapshotCount = MAX_SNAPSHOTS
    checking.found.corruptions += over
  }
  try {
    const { snapshotCount, snapshotsOffset } = header
    const place = { snapshotCount, snapshotsOffset: BigInt(snapshotsOffset) }
    checkSnapshotTable(geometry, place, 'snapshot table')
  } catch (error) {
    failed(checking, error, 'ERROR ')
    if (over > 0) {
      const all = `all ${String(over)} overhanging snapshots`
      tell(`You can force-remove ${all} with qemu-img check -r all`)
    }
    throw error
  }
  try {
    const damage = repair.errors ? damageOf(checking) : undefined
    const { snapshotsOffset, snapshotCount } = header
    const found = yield* readSnapshots(file, snapshotsOffset, snapshotCount, damage)
    image.snapshots = found.snapshots
    image.snapshotTableBytes = found.bytes
    header.snapshotCount = found.snapshots.length
  } catch (error) {
    failed(checking, error, 'ERROR failed to read the snapshot table: ')
    if (error instanceof BlockError && error.hint !== undefined)
      around.log(error.hint.trimEnd(), 'bare')
    throw error
  }
  if (geometry.version < 3) return
  for (const [index, snapshot] of image.snapshots.entries()) {
    if (isComplete(snapshot)) continue
    const doing = repair.errors ? 'Repairing' : 'ERROR'
    corrupt(checking, `${doing} snapshot table entry ${String(index)} is incomplete`)
  }
}

function* readPlace({ image, found, tell }: Checking): Routine<void> {
  const bytes = new Uint8Array(SNAPSHOTS_PLACE.size)
  try {
    yield* wait(image.file.read(FIELD_OFFSETS.snapshots, bytes))
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    found.checkErrors++
    const why = errnoText(error.errno)
    tell(`ERROR failed to read the snapshot table pointer from the image header: ${why}`)
    throw error
  }
  const { count, offset } = SNAPSHOTS_PLACE.decode(bytes)
  image.header.snapshotCount = count
  image.header.snapshotsOffset = offset
}

/** Nothing is known of the table then. */
function failed({ image, found }: Checking, error: unknown, about: string): void {
  if (!(error instanceof BlockError)) throw error
  found.checkErrors++
  image.header.snapshotCount = 0
  image.header.snapshotsOffset = 0
  image.around.log(`${about}${error.message}`)
}

function damageOf(checking: Checking): SnapshotDamage {
  const { image, found } = checking
  return {
    overhang(from) {
      const count = image.header.snapshotCount - from
      checking.tell(`Discarding ${String(count)} overhanging snapshots (snapshot table is too big)`)
      found.corruptions += count
    },
    extra(index, bytes, most) {
      const sizes = `${String(bytes)} > ${String(most)}`
      corrupt(
        checking,
        `Discarding too much extra metadata in snapshot table entry ${String(index)} (${sizes})`,
      )
    },
  }
}

/** Writes the table anew where anything was wrong with it. */
export function* repairSnapshotTable(checking: Checking): Routine<void> {
  const { image, repair, found, tell } = checking
  if (!repair.errors || found.corruptions === 0) return
  try {
    yield* writeSnapshots(image)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    found.checkErrors++
    tell(`ERROR failed to update snapshot table: ${errnoText(error.errno)}`)
    throw error
  }
  fixed(checking, found.corruptions)
}

/** The new table lies elsewhere; the old one is given back once nothing points to it. */
function* writeSnapshots(image: Image): Routine<void> {
  const { header, file, snapshots } = image
  const entries = snapshots.map((snapshot) => encodeSnapshot(snapshot, header.size))
  const bytes = entries.reduce((sum, entry) => alignUp(sum, 8) + entry.length, 0)
  const offset = bytes === 0 ? 0 : yield* allocateClusters(image, bytes)
  try {
    // Of an image that turned out corrupt, nothing reaches the file from memory any more.
    if (!image.dead) yield* writeTables(image)
    yield* wait(file.flush())
    yield* checkOverlap(image, offset, bytes)
    yield* writeEntries(image, offset, entries)
    yield* wait(file.flush())
    const place = SNAPSHOTS_PLACE.encode({ count: snapshots.length, offset })
    yield* writeStable(file, FIELD_OFFSETS.snapshots, place)
  } catch (error) {
    if (error instanceof BlockError) yield* freeClusters(image, offset, bytes, 'always')
    throw error
  }
  const old = { offset: header.snapshotsOffset, bytes: image.snapshotTableBytes }
  header.snapshotsOffset = offset
  header.snapshotCount = snapshots.length
  image.snapshotTableBytes = bytes
  yield* freeClusters(image, old.offset, old.bytes, 'snapshot')
}

function* writeEntries(
  { file }: Image,
  offset: number,
  entries: readonly Uint8Array[],
): Routine<void> {
  let at = offset
  for (const entry of entries) {
    at = alignUp(at, 8)
    yield* wait(file.write(at, entry))
    at += entry.length
  }
}
