/** The table of internal snapshots. It is read, checked and kept; nothing here changes it. */
import type { SnapshotInfo } from '../../block/driver.ts'
import { BlockError } from '../../util/errors.ts'
import { be16, be32, be64, be64Number, struct, type FieldValues } from '../../util/struct.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { alignUp } from '../../util/align.ts'
import type { Storage } from './storage.ts'

/** The fixed part; extra data, id and name follow, then padding to a multiple of 8. */
export const SNAPSHOT = struct(40, {
  l1Offset: be64Number(0),
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
/** Instructions are not counted. */
const NO_ICOUNT = 2n ** 64n - 1n
const NS_PER_SECOND = 1_000_000_000n

export interface Snapshot {
  readonly l1Offset: number
  readonly l1Entries: number
  readonly info: SnapshotInfo
}

/** Longest extra data that an entry may have. */
const MAX_EXTRA_BYTES = 1024
const MAX_TABLE_BYTES = 1024 * 65536

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
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end))
}

export function* readSnapshots(
  file: Storage,
  offset: number,
  count: number,
): Routine<{ readonly snapshots: Snapshot[]; readonly bytes: number }> {
  const snapshots: Snapshot[] = []
  let at = offset
  for (let index = 0; index < count; index++) {
    at = alignUp(at, 8)
    const head = new Uint8Array(SNAPSHOT.size)
    yield* wait(file.read(at, head))
    const entry = SNAPSHOT.decode(head)
    if (entry.extraBytes > MAX_EXTRA_BYTES) {
      throw new BlockError(`Too much extra metadata in snapshot table entry ${String(index)}`, {
        hint: 'You can force-remove this extra metadata with qemu-img check -r all',
      })
    }
    const rest = new Uint8Array(entry.extraBytes + entry.idBytes + entry.nameBytes)
    yield* wait(file.read(at + SNAPSHOT.size, rest))
    const { l1Offset, l1Entries } = entry
    snapshots.push({ l1Offset, l1Entries, info: infoOf(entry, rest) })
    at += SNAPSHOT.size + rest.length
    if (at - offset > MAX_TABLE_BYTES) {
      throw new BlockError('Snapshot table is too big', { errno: 'EFBIG' })
    }
  }
  return { snapshots, bytes: at - offset }
}
