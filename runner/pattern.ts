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
      for (let at = 0; at < bytes; at += 1) data[at] = (pattern.start + at) & 0xff
      return data
    case 'lba':
      fillLba(data, offset)
      return data
    case 'rand':
      fillRandom(data, pattern.seed)
      return data
    case 'hex': {
      const unit = parseHex(pattern.bytes)
      for (let at = 0; at < bytes; at += 1) data[at] = unit[at % Math.max(1, unit.length)] ?? 0
      return data
    }
    case 'file':
      data.set(readFile(pattern.path, pattern.offset, bytes).subarray(0, bytes))
      return data
  }
}

/** Each sector says its own number, as 64-bit big-endian words. */
function fillLba(data: Uint8Array, offset: number): void {
  for (let at = 0; at < data.length; at += 1) {
    const place = offset + at
    const sector = Math.floor(place / SECTOR)
    const shift = 7 - (place % 8)
    data[at] = shift > 5 ? 0 : Math.floor(sector / 2 ** (8 * shift)) & 0xff
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
