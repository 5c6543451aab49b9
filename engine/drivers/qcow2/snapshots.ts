/** The table of internal snapshots. It is read, checked and kept; nothing here changes it. */
import { BlockError } from '../../util/errors.ts'
import { be16, be32, be64, be64Number, struct } from '../../util/struct.ts'
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

export interface Snapshot {
  readonly l1Offset: number
  readonly l1Entries: number
  readonly id: string
  readonly name: string
}

/** Longest extra data that an entry may have. */
const MAX_EXTRA_BYTES = 1024
const MAX_TABLE_BYTES = 1024 * 65536

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
    const names = new Uint8Array(entry.idBytes + entry.nameBytes)
    yield* wait(file.read(at + SNAPSHOT.size + entry.extraBytes, names))
    const text = new TextDecoder()
    snapshots.push({
      l1Offset: entry.l1Offset,
      l1Entries: entry.l1Entries,
      id: text.decode(names.subarray(0, entry.idBytes)),
      name: text.decode(names.subarray(entry.idBytes)),
    })
    at += SNAPSHOT.size + entry.extraBytes + names.length
    if (at - offset > MAX_TABLE_BYTES) {
      throw new BlockError('Snapshot table is too big', { errno: 'EFBIG' })
    }
  }
  return { snapshots, bytes: at - offset }
}
