/** Memory that content is read into, used again: what lies outside of the heap is dear to collect. */

/** Largest that is kept. */
const MOST_BYTES = 2 ** 20

let spare: Uint8Array | undefined

/** Has work done with so many bytes of anything, which are somebody else's once it is over. */
export async function withScratch<T>(
  bytes: number,
  work: (scratch: Uint8Array) => Promise<T>,
): Promise<T> {
  if (bytes > MOST_BYTES) return work(new Uint8Array(bytes))
  const whole = spare ?? new Uint8Array(MOST_BYTES)
  spare = undefined
  const result = await work(whole.subarray(0, bytes))
  // Where it failed, a request that nobody waits for may still write there.
  spare = whole
  return result
}
