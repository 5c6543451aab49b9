/** Sizes as command lines write them: a number, perhaps with a fraction, and a binary suffix. */

const SHIFTS: Readonly<Record<string, bigint>> = {
  b: 0n,
  k: 10n,
  m: 20n,
  g: 30n,
  t: 40n,
  p: 50n,
  e: 60n,
}

const LIMIT = 2n ** 64n

/** The bytes, below 2^64, or nothing where the text is no size. */
export function parseSize(text: string, defaultSuffix = 'b'): bigint | undefined {
  const match = /^\s*\+?(0[xX][0-9a-fA-F]+|[0-9]+)(\.[0-9]*)?([a-zA-Z]?)$/.exec(text)
  const [, whole, fraction, suffix] = match ?? []
  if (whole === undefined) return undefined
  const shift = SHIFTS[(suffix === '' ? defaultSuffix : (suffix ?? '')).toLowerCase()]
  if (shift === undefined) return undefined
  const hexadecimal = /^0[xX]/.test(whole)
  if (hexadecimal && (fraction !== undefined || suffix !== '')) return undefined
  const unit = 1n << shift
  const bytes = BigInt(whole) * unit + partOf(unit, fraction)
  return bytes < LIMIT ? bytes : undefined
}

/** A fraction such as `.5` of a unit, as the double that QEMU makes of it. */
function partOf(unit: bigint, fraction: string | undefined): bigint {
  if (fraction === undefined || fraction === '.') return 0n
  return BigInt(Math.trunc(Number(`0${fraction}`) * Number(unit) + 0.5))
}
