/** A log of writes: where the next entry goes, and writing it. */
import type { Child } from '../../block/driver.ts'
import { alignUp } from '../../util/align.ts'
import { BlockError, errnoText, ioError } from '../../util/errors.ts'
import { ALL_FLAGS, ENTRY, FLAG, isSectorSize, MAGIC, SUPERBLOCK, VERSION } from './format.ts'

export interface Log {
  readonly sectorBytes: number
  /** @throws {BlockError} where the log cannot be written. */
  append(entry: LogEntry): Promise<void>
}

export interface LogEntry {
  readonly offset: number
  readonly bytes: number
  /** A sum of `FLAG`s. */
  readonly flags: bigint
  /** What was written; for zeroes only that it was. */
  readonly data?: Uint8Array | 'zeroes'
}

/** Where an existing log ends. Sectors count in 64 bits, and overflow as in the real program. */
interface End {
  readonly sectorBytes: number
  readonly sector: bigint
  readonly entries: bigint
}

/** The end of a log that begins anew. */
export function freshEnd(sectorBytes: number): End {
  return { sectorBytes, sector: 1n, entries: 0n }
}

/** Reads an existing log up to its end; an empty file counts as a log without entries. */
export async function findEnd(log: Child): Promise<End> {
  if (log.length() === 0) return freshEnd(512)
  const bytes = new Uint8Array(SUPERBLOCK.size)
  await describing('Could not read log superblock', () => log.read(0, bytes))
  const { magic, version, entries, sectorBytes } = SUPERBLOCK.decode(bytes)
  if (magic !== MAGIC) throw new BlockError('Invalid log superblock magic')
  if (version !== VERSION) throw new BlockError(`Unsupported log version ${String(version)}`)
  checkSectorSize(sectorBytes)
  return { sectorBytes, entries, sector: await findSector(log, sectorBytes, entries) }
}

/** @throws {BlockError} in QEMU's words. */
export function checkSectorSize(bytes: number): void {
  if (!isSectorSize(bytes)) throw new BlockError(`Invalid log sector size ${String(bytes)}`)
}

async function findSector(log: Child, sectorBytes: number, entries: bigint): Promise<bigint> {
  let sector = 1n
  const bytes = new Uint8Array(ENTRY.size)
  for (let index = 0n; index < entries; index++) {
    const offset = byteOffset(sector, sectorBytes)
    // All that follows reads as zeroes: entries of one sector each.
    if (offset >= 0n && offset >= log.length() && offset < MAX_OFFSET) {
      return BigInt.asUintN(64, sector + entries - index)
    }
    await describing(`Failed to read log entry ${String(index)}`, () => {
      if (offset < 0n || offset >= MAX_OFFSET) throw ioError('EIO')
      return log.read(Number(offset), bytes)
    })
    const { flags, sectors } = ENTRY.decode(bytes)
    if ((flags & ~ALL_FLAGS) !== 0n) {
      throw new BlockError(`Invalid flags 0x${flags.toString(16)} in log entry ${String(index)}`)
    }
    const data = (flags & FLAG.discard) === 0n ? sectors : 0n
    sector = BigInt.asUintN(64, sector + 1n + data)
  }
  return sector
}

const MAX_OFFSET = 2n ** 53n

function byteOffset(sector: bigint, sectorBytes: number): bigint {
  return BigInt.asIntN(64, sector * BigInt(sectorBytes))
}

async function describing(context: string, run: () => unknown): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new BlockError(`${context}: ${errnoText(error.errno)}`, { errno: error.errno })
  }
}

/** @param interval - Entries after which the superblock is written, besides at flushes. */
export function createLog(child: Child, end: End, interval: bigint): Log {
  const { sectorBytes } = end
  let { sector, entries } = end
  const place = (bytes: number): number => {
    const offset = byteOffset(sector, sectorBytes)
    sector = BigInt.asUintN(64, sector + BigInt(alignUp(bytes, sectorBytes) / sectorBytes))
    if (offset < 0n) throw ioError('EIO')
    if (offset >= MAX_OFFSET) throw ioError('EFBIG')
    return Number(offset)
  }
  const writeSuperblock = async (): Promise<void> => {
    const block = new Uint8Array(sectorBytes)
    SUPERBLOCK.encodeInto(block, 0, { magic: MAGIC, version: VERSION, entries, sectorBytes })
    await child.write(0, block)
    await child.flush()
  }
  return {
    sectorBytes,
    async append({ offset, bytes, flags, data }) {
      const stored = data === undefined || data === 'zeroes' ? 0 : data.length
      const block = new Uint8Array(sectorBytes + stored)
      ENTRY.encodeInto(block, 0, {
        sector: BigInt(offset / sectorBytes),
        sectors: BigInt(bytes / sectorBytes),
        flags,
        dataBytes: 0n,
      })
      if (data !== undefined && data !== 'zeroes') block.set(data, sectorBytes)
      entries = BigInt.asUintN(64, entries + 1n)
      await child.write(place(block.length), block)
      if (data === 'zeroes') await child.zero(place(bytes), bytes)
      if ((flags & FLAG.flush) !== 0n || entries % interval === 0n) await writeSuperblock()
    },
  }
}
