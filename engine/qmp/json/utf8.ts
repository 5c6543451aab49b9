/**
 * The UTF-8 that QEMU's JSON accepts: NUL as `C0 80` is valid, and surrogates, non-characters,
 * overlong forms and anything above U+10FFFF are not.
 */

const REPLACEMENT = 0xfffd

export interface DecodedUtf8 {
  readonly text: string
  /** False where an invalid sequence became U+FFFD, one for each sequence however long. */
  readonly valid: boolean
}

export function decodeUtf8(bytes: Uint8Array): DecodedUtf8 {
  const parts: string[] = []
  let run: number[] = []
  let valid = true
  let offset = 0
  while (offset < bytes.length) {
    const { codePoint, length } = sequenceAt(bytes, offset)
    if (codePoint === undefined) valid = false
    run.push(codePoint ?? REPLACEMENT)
    offset += length
    // A call's arguments live on the stack, so they come in pieces.
    if (run.length === 4096) {
      parts.push(String.fromCodePoint(...run))
      run = []
    }
  }
  parts.push(String.fromCodePoint(...run))
  return { text: parts.join(''), valid }
}

interface Sequence {
  readonly codePoint: number | undefined
  readonly length: number
}

/** Smallest code point that needs this many continuation bytes. */
const SMALLEST = [0, 0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000]

function sequenceAt(bytes: Uint8Array, offset: number): Sequence {
  const first = bytes[offset] ?? 0
  if (first < 0x80) return { codePoint: first, length: 1 }
  const wanted = continuations(first)
  if (wanted === 0) return { codePoint: undefined, length: 1 }
  let codePoint = first & (0x3f >> wanted)
  let found = 0
  while (found < wanted) {
    const next = bytes[offset + found + 1] ?? 0
    if ((next & 0xc0) !== 0x80) return { codePoint: undefined, length: found + 1 }
    codePoint = codePoint * 64 + (next & 0x3f)
    found += 1
  }
  const length = wanted + 1
  const overlong = codePoint < (SMALLEST[wanted] ?? 0)
  // The one overlong form that is taken keeps NUL out of C strings.
  const acceptable = overlong ? codePoint === 0 && length === 2 : isCharacter(codePoint)
  return { codePoint: acceptable ? codePoint : undefined, length }
}

function continuations(lead: number): number {
  if (lead < 0xc0 || lead >= 0xfe) return 0
  if (lead < 0xe0) return 1
  if (lead < 0xf0) return 2
  if (lead < 0xf8) return 3
  return lead < 0xfc ? 4 : 5
}

/** Whether a code point may stand for a character in interchange. */
export function isCharacter(codePoint: number): boolean {
  if (codePoint > 0x10_ffff) return false
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false
  if (codePoint >= 0xfdd0 && codePoint <= 0xfdef) return false
  return (codePoint & 0xfffe) !== 0xfffe
}
