/** Data patterns of the I/O language: making them, and finding the first byte that is not as claimed. */
import type { Pattern } from '../dsl/plan-io.ts'

const SECTOR = 512

/** Reads a file that a `file(…)` pattern names. */
export type ReadPatternFile = (path: string, offset: number, bytes: number) => Uint8Array

/** The bytes that the pattern has at `offset` of the disk. Nobody may change them. */
export function makePattern(
  pattern: Pattern,
  offset: number,
  bytes: number,
  readFile: ReadPatternFile,
): Uint8Array {
  if (pattern.kind === 'byte') return uniform(pattern.byte, bytes)
  const data = new Uint8Array(bytes)
  switch (pattern.kind) {
    case 'seq':
      return fillPeriodic(data, 256, (at) => (pattern.start + at) & 0xff)
    case 'lba':
      fillLba(data, offset)
      return data
    case 'rand':
      fillRandom(data, pattern.seed)
      return data
    case 'hex': {
      const unit = parseHex(pattern.bytes)
      return fillPeriodic(data, Math.max(1, unit.length), (at) => unit[at] ?? 0)
    }
    case 'file':
      data.set(readFile(pattern.path, pattern.offset, bytes).subarray(0, bytes))
      return data
  }
}

/** Largest that is kept of one byte. */
const MOST_UNIFORM = 2 ** 20
/** Most bytes of which some are kept. */
const MOST_KEPT = 16
const kept = new Map<number, Uint8Array>()

/** As many of one byte; most writes are of a few of them. */
export function uniform(byte: number, bytes: number): Uint8Array {
  if (bytes > MOST_UNIFORM) return new Uint8Array(bytes).fill(byte)
  let known = kept.get(byte)
  if (known === undefined || known.length < bytes) {
    known = new Uint8Array(Math.min(MOST_UNIFORM, 2 * bytes)).fill(byte)
    if (kept.size >= MOST_KEPT) kept.clear()
    kept.set(byte, known)
  }
  return known.subarray(0, bytes)
}

/** @param byteAt - The byte at each place of the first period. */
function fillPeriodic(
  data: Uint8Array,
  period: number,
  byteAt: (at: number) => number,
): Uint8Array {
  const first = Math.min(period, data.length)
  for (let at = 0; at < first; at += 1) data[at] = byteAt(at)
  // What is there is copied behind itself, twice as much each time.
  for (let filled = first; filled < data.length; filled *= 2) data.copyWithin(filled, 0, filled)
  return data
}

/** Each sector says its own number, as 64-bit big-endian words. */
function fillLba(data: Uint8Array, offset: number): void {
  for (let start = 0; start < data.length;) {
    const place = offset + start
    const sector = Math.floor(place / SECTOR)
    const end = Math.min(data.length, (sector + 1) * SECTOR - offset)
    fillPeriodic(data.subarray(start, end), 8, (at) => {
      const shift = 7 - ((place + at) % 8)
      return shift > 5 ? 0 : Math.floor(sector / 2 ** (8 * shift)) & 0xff
    })
    start = end
  }
}

/** xorshift32: reproducible, and no byte depends on how the data is cut. */
function fillRandom(data: Uint8Array, seed: number): void {
  let state = (seed ^ 0x9e37_79b9) >>> 0 || 1
  for (let at = 0; at < data.length; at += 1) {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    data[at] = state & 0xff
  }
}

function parseHex(digits: string): Uint8Array {
  const clean = digits.replace(/[\s_]/g, '')
  return Uint8Array.from(clean.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

/** A byte that is not the pattern's. */
export interface WrongByte {
  readonly at: number
  readonly wanted: number
}

/**
 * The first byte of `data` that is not as the pattern has it `skip` bytes behind its beginning.
 *
 * @param offset - Of the pattern's beginning on the disk.
 */
export function findWrong(
  data: Uint8Array,
  pattern: Pattern,
  offset: number,
  skip: number,
  readFile: ReadPatternFile,
): WrongByte | undefined {
  // By far the most frequent one, and nothing has to be made to see it.
  if (pattern.kind === 'byte') {
    const at = data[0] === pattern.byte ? endOfRun(data, 0) : 0
    return at < data.length ? { at, wanted: pattern.byte } : undefined
  }
  const wanted = makePattern(pattern, offset, skip + data.length, readFile).subarray(skip)
  const at = firstDifference(data, wanted)
  return at === undefined ? undefined : { at, wanted: wanted[at] ?? 0 }
}

/** Runs of one byte shorter than this are not compared in pieces. */
const SHORTEST_PIECE = 16
/** Most bytes that are compared at once. */
const LONGEST_PIECE = 1 << 16

/** Where the run of one byte ends that begins at `at`. Long runs are compared in pieces. */
export function endOfRun(data: Uint8Array, at: number): number {
  const byte = data[at]
  let end = at + 1
  let most = LONGEST_PIECE
  while (end < data.length && data[end] === byte) {
    // What lies behind is all the same byte, so that what equals it goes on with it.
    const piece = Math.min(end - at, data.length - end, most)
    if (piece < SHORTEST_PIECE) end += 1
    else if (
      Buffer.compare(data.subarray(end - piece, end), data.subarray(end, end + piece)) === 0
    ) {
      end += piece
    } else most = piece >> 1
  }
  return end
}

/** Index of the first byte that differs, or `undefined`. */
export function firstDifference(actual: Uint8Array, wanted: Uint8Array): number | undefined {
  // Nearly always nothing differs, and comparing whole blocks is much the faster.
  if (Buffer.compare(actual, wanted) === 0) return undefined
  const bytes = Math.min(actual.length, wanted.length)
  for (let at = 0; at < bytes; at += 1) if (actual[at] !== wanted[at]) return at
  return actual.length === wanted.length ? undefined : bytes
}

export function showByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}
