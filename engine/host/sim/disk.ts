/**
 * The bytes of one simulated file, kept sparse. A page is missing, stored, or set aside without
 * content; the last two take space. Data to a search for holes are stored pages, and of those set
 * aside the ones in the page cache, as with ext4 and XFS on Linux: reading brings them there, and
 * clearing them as a whole throws them out.
 */

import { ioError } from '../../util/errors.ts'
import { giveBytes, takeBytes, takeZeroes } from '../../util/spare-bytes.ts'

/** Longest file, as on ext4 with blocks of 4 KiB, whose numbers have 32 bits. */
const MAX_FILE_BYTES = 2 ** 44 - 2 ** 12

const CHUNK_BYTES = 1 << 16
const PAGE_BYTES = 1 << 12
const PAGES_PER_CHUNK = CHUNK_BYTES / PAGE_BYTES
/** Who reads at the start of a file is thought to want more of it. */
const FIRST_READ_BYTES = 4 * PAGE_BYTES

/** Copies of a file have the same bytes until one of them changes. */
interface Content {
  readonly bytes: Uint8Array<ArrayBuffer>
  holders: number
}

interface Chunk {
  content: Content
  /** Bit per page: content is stored here. */
  stored: number
  /** Bit per page: space is set aside, the content is zeroes. */
  reserved: number
}

export class SimDisk {
  readonly #chunks = new Map<number, Chunk>()
  /** By chunk, a bit per page that was read through the page cache and not thrown out since. */
  readonly #cached = new Map<number, number>()
  /** Chunk indexes in order, rebuilt when a chunk came or went. */
  #order: number[] | undefined
  length = 0

  allocatedBytes(): number {
    let pages = 0
    for (const { stored, reserved } of this.#chunks.values()) pages += bitCount(stored | reserved)
    return pages * PAGE_BYTES
  }

  read(offset: number, into: Uint8Array): void {
    forChunks(offset, into.length, (index, from, bytes, done) => {
      const chunk = this.#chunks.get(index)
      if (chunk === undefined) into.fill(0, done, done + bytes)
      else into.set(chunk.content.bytes.subarray(from, from + bytes), done)
    })
  }

  /** What a read through the page cache leaves there. */
  cache(offset: number, bytes: number): void {
    const ahead = offset === 0 && bytes > 0 ? Math.max(bytes, FIRST_READ_BYTES) : bytes
    const inside = Math.min(ahead, roundUpToPage(this.length) - offset)
    forChunks(offset, inside, (index, from, count) => {
      const pages = pagesTouched(from, count)
      const stored = this.#chunks.get(index)?.stored ?? 0
      if ((pages & ~stored) === 0) return
      this.#cached.set(index, (this.#cached.get(index) ?? 0) | pages)
    })
  }

  write(offset: number, data: Uint8Array): void {
    // As the system call: nothing to write does not make the file longer.
    if (data.length === 0) return
    const room = MAX_FILE_BYTES - offset
    if (data.length > room) {
      // What there is room for gets there, and then the rest is refused.
      if (room > 0) this.write(offset, data.subarray(0, room))
      throw ioError('EFBIG')
    }
    forChunks(offset, data.length, (index, from, bytes, done) => {
      const chunk = this.#ownChunk(index, bytes === CHUNK_BYTES)
      chunk.content.bytes.set(data.subarray(done, done + bytes), from)
      const pages = pagesTouched(from, bytes)
      chunk.stored |= pages
      chunk.reserved &= ~pages
    })
    this.length = Math.max(this.length, offset + data.length)
  }

  /** Forgets all content; chunks go to whoever needs the next ones. */
  release(): void {
    for (const { content } of this.#chunks.values()) leave(content)
    this.#chunks.clear()
    this.#order = undefined
    this.length = 0
  }

  truncate(bytes: number): void {
    checkEnd(bytes)
    if (bytes < this.length) this.#clear(bytes, this.length - bytes, 'drop')
    this.length = bytes
  }

  /** Whole pages inside the range lose their storage, the rest is overwritten with zeroes. */
  punchHole(offset: number, bytes: number): void {
    checkEnd(offset + bytes)
    // Like the system call with its keep-size flag: what lies past the end is left alone.
    this.#clear(offset, Math.min(bytes, Math.max(0, this.length - offset)), 'drop')
  }

  /** Whole pages inside the range are set aside without content. Grows the file where needed. */
  zeroRange(offset: number, bytes: number): void {
    if (bytes === 0) return
    checkEnd(offset + bytes)
    this.length = Math.max(this.length, offset + bytes)
    this.#clear(offset, bytes, 'reserve')
  }

  /** Sets every missing page of the range aside. Grows the file where needed. */
  reserve(offset: number, bytes: number): void {
    checkEnd(offset + bytes)
    this.length = Math.max(this.length, offset + bytes)
    forChunks(offset, bytes, (index, from, count) => {
      const chunk = this.#chunkAt(index)
      chunk.reserved |= pagesTouched(from, count) & ~chunk.stored
    })
  }

  /** The run of data or of holes at `offset`, up to the end of the file. */
  extent(offset: number): { data: boolean; bytes: number } {
    const data = this.#isData(offset)
    let at = offset
    while (at < this.length && this.#isData(at) === data) {
      const next = at - (at % PAGE_BYTES) + PAGE_BYTES
      at = data ? next : this.#skipMissing(next)
    }
    return { data, bytes: Math.min(at, this.length) - offset }
  }

  /** An independent copy. Chunks are copied when either side changes them. */
  clone(): SimDisk {
    const copy = new SimDisk()
    for (const [index, { content, stored, reserved }] of this.#chunks) {
      content.holders += 1
      copy.#chunks.set(index, { content, stored, reserved })
    }
    for (const [index, pages] of this.#cached) copy.#cached.set(index, pages)
    copy.length = this.length
    return copy
  }

  #isData(offset: number): boolean {
    const index = Math.floor(offset / CHUNK_BYTES)
    const chunk = this.#chunks.get(index)
    if (chunk === undefined) return false
    const data = chunk.stored | (chunk.reserved & (this.#cached.get(index) ?? 0))
    return ((data >> Math.floor((offset % CHUNK_BYTES) / PAGE_BYTES)) & 1) === 1
  }

  /** `offset` where its chunk exists, else the start of the next one that does. */
  #skipMissing(offset: number): number {
    const index = Math.floor(offset / CHUNK_BYTES)
    if (this.#chunks.has(index)) return offset
    this.#order ??= [...this.#chunks.keys()].sort((left, right) => left - right)
    const next = this.#order.find((candidate) => candidate > index)
    return next === undefined ? this.length : next * CHUNK_BYTES
  }

  #chunkAt(index: number, overwritten = false): Chunk {
    let chunk = this.#chunks.get(index)
    if (chunk === undefined) {
      chunk = { content: newContent(overwritten), stored: 0, reserved: 0 }
      this.#chunks.set(index, chunk)
      this.#order = undefined
    }
    return chunk
  }

  /**
   * A chunk whose bytes may be changed.
   *
   * @param overwritten - The caller writes all of it, so that it need not be zeroes.
   */
  #ownChunk(index: number, overwritten = false): Chunk {
    return owned(this.#chunkAt(index, overwritten))
  }

  #clear(offset: number, bytes: number, how: 'drop' | 'reserve'): void {
    this.#throwOut(offset, bytes)
    if (how === 'drop') {
      this.#clearStored(offset, bytes)
      return
    }
    forChunks(offset, bytes, (index, from, count) => {
      const chunk = this.#ownChunk(index)
      chunk.content.bytes.fill(0, from, from + count)
      const whole = pagesInside(from, count)
      chunk.stored &= ~whole
      // A page that the range only touches keeps being stored, or is now set aside.
      chunk.reserved |= pagesTouched(from, count) & ~chunk.stored
    })
  }

  #throwOut(offset: number, bytes: number): void {
    for (const [index, pages] of this.#cached) {
      const start = index * CHUNK_BYTES
      const from = Math.max(offset, start) - start
      const to = Math.min(offset + bytes, start + CHUNK_BYTES) - start
      if (from < to) this.#cached.set(index, pages & ~pagesInside(from, to - from))
    }
  }

  /** Visits only chunks that exist, so that a hole of any size costs nothing to punch again. */
  #clearStored(offset: number, bytes: number): void {
    const end = offset + bytes
    for (const [index, chunk] of this.#chunks) {
      const start = index * CHUNK_BYTES
      const from = Math.max(offset, start) - start
      const to = Math.min(end, start + CHUNK_BYTES) - start
      if (from >= to) continue
      owned(chunk).content.bytes.fill(0, from, to)
      // The last page of the file goes as a whole when the range reaches the end.
      const kept = ~pagesInside(from, end >= this.length ? roundUpToPage(to) - from : to - from)
      chunk.stored &= kept
      chunk.reserved &= kept
      if ((chunk.stored | chunk.reserved) !== 0) continue
      this.#chunks.delete(index)
      leave(chunk.content)
      this.#order = undefined
    }
  }
}

function newContent(overwritten: boolean): Content {
  return { bytes: (overwritten ? takeBytes : takeZeroes)(CHUNK_BYTES), holders: 1 }
}

/** The last one to leave puts the memory back. */
function leave(content: Content): void {
  content.holders -= 1
  if (content.holders === 0) giveBytes(content.bytes)
}

function owned(chunk: Chunk): Chunk {
  const { content } = chunk
  if (content.holders === 1) return chunk
  chunk.content = newContent(true)
  chunk.content.bytes.set(content.bytes)
  leave(content)
  return chunk
}

/** @throws {BlockError} `EFBIG` where no file reaches. */
function checkEnd(end: number): void {
  if (end > MAX_FILE_BYTES) throw ioError('EFBIG')
}

function forChunks(
  offset: number,
  bytes: number,
  visit: (index: number, from: number, bytes: number, done: number) => void,
): void {
  let done = 0
  while (done < bytes) {
    const at = offset + done
    const from = at % CHUNK_BYTES
    const count = Math.min(CHUNK_BYTES - from, bytes - done)
    visit(Math.floor(at / CHUNK_BYTES), from, count, done)
    done += count
  }
}

function pagesTouched(from: number, bytes: number): number {
  return pageMask(Math.floor(from / PAGE_BYTES), Math.ceil((from + bytes) / PAGE_BYTES))
}

function pagesInside(from: number, bytes: number): number {
  return pageMask(Math.ceil(from / PAGE_BYTES), Math.floor((from + bytes) / PAGE_BYTES))
}

function pageMask(first: number, end: number): number {
  if (end <= first) return 0
  return (2 ** Math.min(end, PAGES_PER_CHUNK) - 1) & ~(2 ** first - 1)
}

function roundUpToPage(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES
}

function bitCount(mask: number): number {
  let count = 0
  for (let rest = mask; rest !== 0; rest &= rest - 1) count += 1
  return count
}
