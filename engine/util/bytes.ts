/** Plain work on byte arrays. */

/** What data is held against; a comparison in one call beats any loop of ours. */
const ZEROES = new Uint8Array(1 << 16)

/** Whether every byte is zero. */
export function isZero(data: Uint8Array): boolean {
  // Most data says so at once.
  if ((data[0] ?? 0) !== 0) return false
  for (let at = 0; at < data.length; at += ZEROES.length) {
    const piece = data.subarray(at, at + ZEROES.length)
    if (!isSame(piece, ZEROES.subarray(0, piece.length))) return false
  }
  return true
}

export function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

/** The first index at which two arrays of one length differ. */
export function firstDifference(left: Uint8Array, right: Uint8Array): number | undefined {
  if (isSame(left, right)) return undefined
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return index
  }
  return undefined
}
