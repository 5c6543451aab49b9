/** Which of the image's own structures a write must not hit, and the check before each write. */
import { ENTRY_BYTES, clusterStart } from './geometry.ts'
import { signalCorruption } from './corruption.ts'
import { blockOffsetAt, offsetAt } from './entry.ts'
import { pointersOf } from './pointers.ts'
import type { Image } from './image.ts'
import { WordTable } from '../../util/struct.ts'
import { wait, type Routine } from '../../util/routine.ts'

/** Kinds of structures as the option `overlap-check` names them, in the order of checking. */
export const OVERLAP_KINDS = [
  'main-header',
  'active-l1',
  'active-l2',
  'refcount-table',
  'refcount-block',
  'snapshot-table',
  'inactive-l1',
  'inactive-l2',
  'bitmap-directory',
] as const

export type OverlapKind = (typeof OVERLAP_KINDS)[number]
export type OverlapSet = ReadonlySet<OverlapKind>

/** As messages name them. */
const NAMES: Readonly<Record<OverlapKind, string>> = {
  'main-header': 'qcow2_header',
  'active-l1': 'active L1 table',
  'active-l2': 'active L2 table',
  'refcount-table': 'refcount table',
  'refcount-block': 'refcount block',
  'snapshot-table': 'snapshot table',
  'inactive-l1': 'inactive L1 table',
  'inactive-l2': 'inactive L2 table',
  'bitmap-directory': 'bitmap directory',
}

const CONSTANT = [
  'main-header',
  'active-l1',
  'refcount-table',
  'snapshot-table',
  'bitmap-directory',
] as const
const CACHED = [...CONSTANT, 'active-l2', 'refcount-block', 'inactive-l1'] as const

/** What the words of the option stand for. */
export const OVERLAP_TEMPLATES = {
  none: new Set<OverlapKind>(),
  constant: new Set<OverlapKind>(CONSTANT),
  cached: new Set<OverlapKind>(CACHED),
  all: new Set<OverlapKind>(OVERLAP_KINDS),
} as const satisfies Record<string, OverlapSet>

/**
 * Refuses a write that would hit a structure of the image.
 *
 * @param ignored - The structure that is to be written, if it is one.
 * @throws {BlockError} `EIO`; the image is then given up.
 */
export function* checkOverlap(
  image: Image,
  offset: number,
  bytes: number,
  ignored?: OverlapKind,
  what: 'metadata' | 'data' = 'metadata',
): Routine<void> {
  if (bytes === 0) return
  const kind = overlapOf(image, offset, bytes, ignored)
  const found = kind ?? (yield* inactiveL2(image, offset, bytes, ignored))
  if (found === undefined) return
  yield* signalCorruption(image, {
    message: `Preventing invalid write on ${what} (overlaps with ${NAMES[found]})`,
    offset,
    bytes,
    fatal: true,
  })
}

/** Without the tables of snapshots that are not in memory. */
export function overlapOf(
  image: Image,
  offset: number,
  bytes: number,
  ignored?: OverlapKind,
): OverlapKind | undefined {
  const { geometry, overlap } = image
  const { clusterBytes } = geometry
  const from = clusterStart(geometry, offset)
  const to = offset + bytes
  const wanted = (kind: OverlapKind): boolean => kind !== ignored && overlap.has(kind)
  const hits = (start: number, length: number): boolean =>
    length > 0 && start < clusterStart(geometry, to + clusterBytes - 1) && from < start + length
  if (wanted('main-header') && from < clusterBytes) return 'main-header'
  if (wanted('active-l1') && hits(image.l1Offset, image.l1.length * ENTRY_BYTES)) return 'active-l1'
  const end = clusterStart(geometry, to + clusterBytes - 1)
  if (wanted('active-l2') && pointersOf(image.l1, offsetAt, clusterBytes).hit(from, end))
    return 'active-l2'
  const { refcountTable, refcountTableOffset } = image
  if (wanted('refcount-table') && hits(refcountTableOffset, refcountTable.bytes.length)) {
    return 'refcount-table'
  }
  if (
    wanted('refcount-block') &&
    pointersOf(refcountTable, blockOffsetAt, clusterBytes).hit(from, end)
  ) {
    return 'refcount-block'
  }
  if (wanted('snapshot-table') && hits(image.header.snapshotsOffset, image.snapshotTableBytes)) {
    return 'snapshot-table'
  }
  if (wanted('inactive-l1')) {
    for (const { l1Offset, l1Entries } of image.snapshots) {
      if (hits(l1Offset, l1Entries * ENTRY_BYTES)) return 'inactive-l1'
    }
  }
  const directory = image.bitmapDirectory
  if (wanted('bitmap-directory') && directory !== undefined) {
    if (hits(directory.offset, directory.bytes)) return 'bitmap-directory'
  }
  return undefined
}

/** L2 tables of snapshots; their L1 tables are read each time, as nobody else needs them. */
function* inactiveL2(
  image: Image,
  offset: number,
  bytes: number,
  ignored: OverlapKind | undefined,
): Routine<OverlapKind | undefined> {
  if (ignored === 'inactive-l2' || !image.overlap.has('inactive-l2')) return undefined
  const { clusterBytes } = image.geometry
  const from = clusterStart(image.geometry, offset)
  const end = clusterStart(image.geometry, offset + bytes + clusterBytes - 1)
  for (const { l1Offset, l1Entries } of image.snapshots) {
    const table = new Uint8Array(l1Entries * ENTRY_BYTES)
    yield* wait(image.file.read(l1Offset, table))
    if (pointersOf(new WordTable(table), offsetAt, clusterBytes).hit(from, end))
      return 'inactive-l2'
  }
  return undefined
}
