/** Sizes and durations as text. */

const UNITS = {
  '': 1n,
  k: 1024n,
  K: 1024n,
  M: 1024n ** 2n,
  G: 1024n ** 3n,
  T: 1024n ** 4n,
} as const

/**
 * `64k`, `0x1000`, `1M`, `512` in bytes; undefined for anything else and for what is no safe
 * integer.
 */
export function parseSize(text: string): number | undefined {
  const found = /^(0x[0-9a-fA-F]{1,14}|[0-9]{1,16})([kKMGT]?)$/.exec(text)
  if (found === null) return undefined
  const unit = (found[2] ?? '') as keyof typeof UNITS
  const value = BigInt(found[1] ?? '0') * UNITS[unit]
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
}

/** True for the plain spelling of a size with a unit, such as `64k`. */
export function isSizeWord(text: string): boolean {
  return /^[0-9]+[kKMGT]$/.test(text) && parseSize(text) !== undefined
}

/** The shortest exact spelling: `64k`, `1M`, else decimal bytes. */
export function printSize(bytes: number | bigint): string {
  let value = BigInt(bytes)
  if (value === 0n) return '0'
  for (const unit of ['', 'k', 'M', 'G']) {
    if (value % 1024n !== 0n) return `${String(value)}${unit}`
    value /= 1024n
  }
  return `${String(value)}T`
}

const NANOSECONDS = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
} as const satisfies Record<string, number>

/** Durations beyond a day are refused: no test needs one. */
const LONGEST_NS = 24 * 3600e9

/** `1s`, `1.5s`, `500ms`, `10us`, `2m` in nanoseconds, whole ones; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const found = /^([0-9]{1,12}(?:\.[0-9]{1,9})?) ?(ns|us|ms|s|min|m|h)$/.exec(text)
  if (found === null) return undefined
  const ns = Number(found[1]) * NANOSECONDS[found[2] as keyof typeof NANOSECONDS]
  return ns <= LONGEST_NS && Number.isSafeInteger(Math.round(ns)) ? Math.round(ns) : undefined
}
