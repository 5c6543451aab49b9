/** The directory of persistent bitmaps. It is read, counted and shown; nothing here changes it. */
import { BlockError } from '../../util/errors.ts'
import { alignUp } from '../../util/align.ts'
import { be16, be32, be64Number, struct, u8 } from '../../util/struct.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { BITMAPS_EXTENSION, type Extension } from './extensions.ts'
import type { Storage } from './storage.ts'

/** The fixed part; extra data and name follow, then padding to a multiple of 8. */
const ENTRY = struct(24, {
  tableOffset: be64Number(0),
  /** Entries, not bytes. */
  tableEntries: be32(8),
  flags: be32(12),
  type: u8(16),
  granularityBits: u8(17),
  nameBytes: be16(18),
  extraBytes: be32(20),
})

const IN_USE = 1
const AUTO = 2

export interface StoredBitmap {
  readonly name: string
  readonly granularity: number
  readonly flags: readonly string[]
  readonly tableOffset: number
  readonly tableEntries: number
}

/** @throws {BlockError} if the directory is damaged. */
export function* readBitmaps(
  file: Storage,
  extension: Extension | undefined,
): Routine<readonly StoredBitmap[]> {
  if (extension === undefined) return []
  const { count, directoryOffset, directoryBytes } = BITMAPS_EXTENSION.decode(extension.data)
  const directory = new Uint8Array(directoryBytes)
  if (directory.length > 0) yield* wait(file.read(directoryOffset, directory))
  const found: StoredBitmap[] = []
  for (let at = 0; at < directory.length;) {
    if (at + ENTRY.size > directory.length) throw broken()
    const entry = ENTRY.decode(directory, at)
    const nameAt = at + ENTRY.size + entry.extraBytes
    if (nameAt + entry.nameBytes > directory.length) throw broken()
    found.push({
      name: new TextDecoder().decode(directory.subarray(nameAt, nameAt + entry.nameBytes)),
      granularity: 2 ** entry.granularityBits,
      flags: [
        ...((entry.flags & IN_USE) === 0 ? [] : ['in-use']),
        ...((entry.flags & AUTO) === 0 ? [] : ['auto']),
      ],
      tableOffset: entry.tableOffset,
      tableEntries: entry.tableEntries,
    })
    at = alignUp(nameAt + entry.nameBytes, 8)
  }
  if (found.length !== count) throw broken()
  return found
}

function broken(): BlockError {
  return new BlockError('Broken bitmap directory')
}
