/** Plain work on byte arrays. */

/** Whether every byte is zero. Looks at eight bytes at a time where it can. */
export function isZero(data: Uint8Array): boolean {
  const head = Math.min(data.length, (8 - (data.byteOffset % 8)) % 8)
  const words = Math.floor((data.length - head) / 8)
  for (let index = 0; index < head; index++) if (data[index] !== 0) return false
  const middle = new BigUint64Array(data.buffer, data.byteOffset + head, words)
  for (let index = 0; index < words; index++) if (middle[index] !== 0n) return false
  for (let index = head + words * 8; index < data.length; index++) {
    if (data[index] !== 0) return false
  }
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
