/** The table of internal snapshots: entries as they lie in the file. */
import type { SnapshotInfo } from '../../block/driver.ts'
import { BlockError } from '../../util/errors.ts'
import { be16, be32, be64, struct, type FieldValues } from '../../util/struct.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { alignUp } from '../../util/align.ts'
import { concatBytes } from './bytes.ts'
import type { Storage } from './storage.ts'

/** The fixed part; extra data, id and name follow, then padding to a multiple of 8. */
export const SNAPSHOT = struct(40, {
  l1Offset: be64(0),
  l1Entries: be32(8),
  idBytes: be16(12),
  nameBytes: be16(14),
  dateSeconds: be32(16),
  dateNanoseconds: be32(20),
  vmClockNanoseconds: be64(24),
  vmStateBytes: be32(32),
  extraBytes: be32(36),
})

/** What entries of later versions have besides; each may be missing with all that follow. */
const EXTRA = struct(24, { vmStateBytes: be64(0), diskBytes: be64(8), icount: be64(16) })
const EXTRA_VM_STATE_END = 8
const EXTRA_DISK_END = 16
const UINT32_MAX = 2n ** 32n - 1n
/** Instructions are not counted. */
const NO_ICOUNT = 2n ** 64n - 1n
const NS_PER_SECOND = 1_000_000_000n

export interface Snapshot {
  readonly l1Offset: number
  readonly l1Entries: number
  readonly info: SnapshotInfo
  readonly entry: FieldValues<typeof SNAPSHOT.fields>
  /** Extra data, as much of it as is kept, id and name. */
  readonly rest: Uint8Array
}

/** What is wrong with a table and does not keep it from being read. */
export interface SnapshotDamage {
  /** Snapshots from this one on are dropped, as the table is too large. */
  overhang(from: number): void
  /** The entry's extra data are cut. */
  extra(index: number, bytes: number, most: number): void
}

/** Longest extra data that an entry may have. */
const MAX_EXTRA_BYTES = 1024
const MAX_TABLE_BYTES = 1024 * 65536
const INT_MAX = 2 ** 31 - 1

function infoOf(entry: FieldValues<typeof SNAPSHOT.fields>, rest: Uint8Array): SnapshotInfo {
  const { extraBytes, idBytes, vmClockNanoseconds } = entry
  const known = new Uint8Array(EXTRA.size)
  known.set(rest.subarray(0, Math.min(extraBytes, EXTRA.size)))
  const extra = EXTRA.decode(known)
  const vmState = extraBytes >= EXTRA_VM_STATE_END ? extra.vmStateBytes : BigInt(entry.vmStateBytes)
  const counted = extraBytes >= EXTRA.size && extra.icount !== NO_ICOUNT
  return {
    id: textOf(rest.subarray(extraBytes, extraBytes + idBytes)),
    name: textOf(rest.subarray(extraBytes + idBytes)),
    'vm-state-size': BigInt.asIntN(64, vmState),
    'date-sec': entry.dateSeconds,
    'date-nsec': entry.dateNanoseconds,
    'vm-clock-sec': vmClockNanoseconds / NS_PER_SECOND,
    'vm-clock-nsec': vmClockNanoseconds % NS_PER_SECOND,
    ...(counted ? { icount: BigInt.asIntN(64, extra.icount) } : {}),
  }
}

/** Up to the first NUL. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(untilNul(bytes))
}

/**
 * @param damage - Gets what is wrong; without it, that is refused.
 * @throws {BlockError} where the table cannot be read.
 */
export function* readSnapshots(
  file: Storage,
  offset: number,
  count: number,
  damage?: SnapshotDamage,
): Routine<{ readonly snapshots: Snapshot[]; readonly bytes: number }> {
  const snapshots: Snapshot[] = []
  let at = offset
  let kept = 0
  for (let index = 0; index < count; index++) {
    const before = at
    at = alignUp(at, 8)
    const head = new Uint8Array(SNAPSHOT.size)
    yield* wait(file.read(at, head))
    const entry = SNAPSHOT.decode(head)
    at += SNAPSHOT.size
    const extraBytes = Math.min(entry.extraBytes, MAX_EXTRA_BYTES)
    if (entry.extraBytes > MAX_EXTRA_BYTES) {
      if (damage === undefined) throw tooMuchExtra(index)
      damage.extra(index, entry.extraBytes, MAX_EXTRA_BYTES)
    }
    const rest = new Uint8Array(extraBytes + entry.idBytes + entry.nameBytes)
    yield* wait(file.read(at, rest.subarray(0, extraBytes)))
    at += entry.extraBytes
    yield* wait(file.read(at, rest.subarray(extraBytes)))
    at += rest.length - extraBytes
    kept = alignUp(kept, 8) + SNAPSHOT.size + rest.length
    if (kept > MAX_TABLE_BYTES || at - offset > INT_MAX) {
      if (damage === undefined) {
        throw new BlockError('Snapshot table is too big', { errno: 'EFBIG' })
      }
      damage.overhang(index)
      at = before
      break
    }
    const { l1Entries } = entry
    const l1Offset = Number(entry.l1Offset)
    const cut = { ...entry, extraBytes }
    snapshots.push({ l1Offset, l1Entries, info: infoOf(cut, rest), entry: cut, rest })
  }
  return { snapshots, bytes: at - offset }
}

function tooMuchExtra(index: number): BlockError {
  return new BlockError(`Too much extra metadata in snapshot table entry ${String(index)}`, {
    errno: 'EFBIG',
    hint: 'You can force-remove this extra metadata with qemu-img check -r all\n',
  })
}

/** Whether the entry says how large its disk was, as all must do from version 3 on. */
export function isComplete({ entry }: Snapshot): boolean {
  return entry.extraBytes >= EXTRA_DISK_END
}

/**
 * The entry as it is written: with all extra data that we know, and those that we do not.
 *
 * @param size - Of the disk, for entries that do not say it.
 */
export function encodeSnapshot({ entry, rest }: Snapshot, size: number): Uint8Array {
  const { extraBytes, idBytes, vmStateBytes } = entry
  const extra = rest.slice(0, extraBytes)
  const known = new Uint8Array(EXTRA.size)
  known.set(extra.subarray(0, EXTRA.size))
  const { vmStateBytes: large, diskBytes, icount } = EXTRA.decode(known)
  const vmState = extraBytes >= EXTRA_VM_STATE_END ? large : BigInt(vmStateBytes)
  EXTRA.encodeInto(known, 0, {
    vmStateBytes: vmState,
    diskBytes: extraBytes >= EXTRA_DISK_END ? diskBytes : BigInt(size),
    icount: extraBytes >= EXTRA.size ? icount : NO_ICOUNT,
  })
  const id = untilNul(rest.subarray(extraBytes, extraBytes + idBytes))
  const name = untilNul(rest.subarray(extraBytes + idBytes))
  const head = SNAPSHOT.encode({
    ...entry,
    idBytes: id.length,
    nameBytes: name.length,
    // Too large for this field: its zero says so.
    vmStateBytes: vmState <= UINT32_MAX ? Number(vmState) : 0,
    extraBytes: Math.max(extraBytes, EXTRA.size),
  })
  return concatBytes([head, known, extra.subarray(EXTRA.size), id, name])
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}
