/** Plain work on byte arrays. */

const WORD_BYTES = 8

/** Whether every byte is zero. Looks at whole words where it can. */
export function isZero(data: Uint8Array): boolean {
  const head = (WORD_BYTES - (data.byteOffset % WORD_BYTES)) % WORD_BYTES
  const words = Math.floor((data.length - head) / WORD_BYTES)
  if (words <= 0) return areBytesZero(data, 0, data.length)
  const middle = new BigUint64Array(data.buffer, data.byteOffset + head, words)
  if (!areBytesZero(data, 0, head)) return false
  for (let index = 0; index < words; index++) if (middle[index] !== 0n) return false
  return areBytesZero(data, head + words * WORD_BYTES, data.length)
}

function areBytesZero(data: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (data[index] !== 0) return false
  return true
}

export function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return firstDifference(left, right) === undefined
}

/** The first index at which two arrays of one length differ. */
export function firstDifference(left: Uint8Array, right: Uint8Array): number | undefined {
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return index
  }
  return undefined
}
