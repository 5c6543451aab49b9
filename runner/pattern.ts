/** Data patterns of the I/O language: making them, and finding the first byte that is not as claimed. */
import type { Pattern } from '../dsl/plan.ts'

const SECTOR = 512

/** Reads a file that a `file(…)` pattern names. */
export type ReadPatternFile = (path: string, offset: number, bytes: number) => Uint8Array

/** The bytes that the pattern has at `offset` of the disk. */
export function makePattern(
  pattern: Pattern,
  offset: number,
  bytes: number,
  readFile: ReadPatternFile,
): Uint8Array {
  const data = new Uint8Array(bytes)
  switch (pattern.kind) {
    case 'byte':
      return data.fill(pattern.byte)
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
