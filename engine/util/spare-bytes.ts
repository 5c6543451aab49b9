/**
 * Memory of tables, clusters and simulated files, used again. A piece of the usual size takes longer
 * to make, with its zeroes, than to read, and what lies outside of the heap makes the collector go
 * through all of it.
 */

/** Smaller pieces are made anew. */
const LEAST_BYTES = 1 << 12
/** Most that is kept, in all. */
const MOST_BYTES = 1 << 25

/** By length. */
const spare = new Map<number, Uint8Array<ArrayBuffer>[]>()
let kept = 0

/** What is in it is anything. */
export function takeBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = spare.get(length)?.pop()
  if (bytes === undefined) return new Uint8Array(length)
  kept -= length
  return bytes
}

export function takeZeroes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = spare.get(length)?.pop()
  if (bytes === undefined) return new Uint8Array(length)
  kept -= length
  return bytes.fill(0)
}

/**
 * Nobody else may have them any more. What is not given back is collected like all else.
 *
 * @param bytes - All of their buffer.
 */
export function giveBytes(bytes: Uint8Array<ArrayBuffer>): void {
  const { length } = bytes
  if (length < LEAST_BYTES || length > MOST_BYTES) return
  // Lengths that nobody asks for any more are not to keep others out.
  if (kept + length > MOST_BYTES) forgetAll()
  kept += length
  const known = spare.get(length)
  if (known === undefined) spare.set(length, [bytes])
  else known.push(bytes)
}

function forgetAll(): void {
  spare.clear()
  kept = 0
}
