/**
 * The log on disk, as the Linux device mapper's log-writes target has it: a superblock, then
 * entries of one sector each, with the data of writes behind them. All integers little-endian.
 * Told by the logs that the real program writes.
 */
import { le32, le64, struct } from '../../util/struct.ts'

/** "jsfwsh", as a number. */
export const MAGIC = 0x6a_73_66_77_73_68_72n
export const VERSION = 1n

/** Bytes 0-27 of the first sector; zeroes follow. */
export const SUPERBLOCK = struct(28, {
  magic: le64(0),
  version: le64(8),
  /** How many entries follow. */
  entries: le64(16),
  /** Bytes in a sector: the unit of places in the log and of the disk. */
  sectorBytes: le32(24),
})

/** The first bytes of an entry's sector; zeroes follow. */
export const ENTRY = struct(32, {
  /** Where on the disk, in sectors. */
  sector: le64(0),
  sectors: le64(8),
  flags: le64(16),
  /** Bytes of a mark's text; unused here. */
  dataBytes: le64(24),
})

export const FLAG = { flush: 1n, fua: 2n, discard: 4n, mark: 8n } as const

export const ALL_FLAGS = FLAG.flush | FLAG.fua | FLAG.discard | FLAG.mark

const MAX_SECTOR_BYTES = 2 ** 23

/** A power of two, from 512 bytes to 8 MiB. */
export function isSectorSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= MAX_SECTOR_BYTES && Number.isInteger(Math.log2(bytes))
}
