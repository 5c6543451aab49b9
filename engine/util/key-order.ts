/**
 * The order in which QEMU lists the members of an object: by bucket of the name, and inside one
 * bucket the member that was inserted last comes first. The bucket's formula is fitted to names
 * that a real QEMU echoed.
 */

const BUCKETS = 512
const encoder = new TextEncoder()

/** The same few names come again and again; names may come from outside, so not all are kept. */
const known = new Map<string, number>()
const MAX_KNOWN = 1024

/** 0 to 511. */
export function keyBucket(name: string): number {
  let bucket = known.get(name)
  if (bucket !== undefined) return bucket
  bucket = bucketOf(name)
  if (known.size < MAX_KNOWN) known.set(name, bucket)
  return bucket
}

function bucketOf(name: string): number {
  const bytes = encoder.encode(name)
  let value = Math.imul(0x238f13af, bytes.length)
  bytes.forEach((byte, index) => {
    value = (value + (byte << ((5 * index) % 24))) | 0
  })
  // Only the low bits matter, so that signed arithmetic gives the same bucket.
  return ((Math.imul(1103515243, value) + 12345) >>> 0) % BUCKETS
}

/** Up to so many members are put into their places one by one. */
const MAX_PLACED = 32

/** The entries, given in the order of insertion, in the order in which QEMU lists them. */
export function inKeyOrder<T extends readonly [string | undefined, unknown]>(
  entries: readonly T[],
): T[] {
  return entries.length > MAX_PLACED ? sorted(entries) : placed(entries)
}

/** For the handful of members that most objects have: each goes where it belongs among the earlier. */
function placed<T extends readonly [string | undefined, unknown]>(entries: readonly T[]): T[] {
  const ordered: T[] = []
  // Beside the entries, since each is compared with several.
  const buckets: number[] = []
  for (const entry of entries) {
    const bucket = keyBucket(entry[0] ?? '')
    let at = ordered.length
    for (; at > 0; at--) {
      const before = ordered[at - 1]
      const beforeBucket = buckets[at - 1]
      if (before === undefined || beforeBucket === undefined || beforeBucket < bucket) break
      ordered[at] = before
      buckets[at] = beforeBucket
    }
    ordered[at] = entry
    buckets[at] = bucket
  }
  return ordered
}

function sorted<T extends readonly [string | undefined, unknown]>(entries: readonly T[]): T[] {
  return entries
    .map((entry, index) => ({ entry, index, bucket: keyBucket(entry[0] ?? '') }))
    .sort((left, right) => left.bucket - right.bucket || right.index - left.index)
    .map(({ entry }) => entry)
}
