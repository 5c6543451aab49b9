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

/** What a text says: bytes below 2^64; or that it is no size, or one beyond that. */
export type SizeReading =
  { readonly bytes: bigint; readonly hasHexSuffix: boolean } | 'malformed' | 'too large'

/** Reads a size as QEMU does. A suffix of a hexadecimal number counts, and is frowned upon. */
export function readSize(text: string): SizeReading {
  const match = /^\s*\+?(?:(0[xX][0-9a-fA-F]+)|([0-9]+)(\.[0-9]*)?)([a-zA-Z]?)$/.exec(text)
  if (match === null) return 'malformed'
  const [, hexadecimal, decimal, fraction, suffix = ''] = match
  const whole = hexadecimal ?? decimal ?? ''
  const shift = suffix === '' ? 0n : SHIFTS[suffix.toLowerCase()]
  if (shift === undefined) return 'malformed'
  const part = partOf(fraction)
  // Bytes have no parts.
  if (shift === 0n && part !== 0) return 'malformed'
  const unit = 1n << shift
  const bytes = BigInt(whole) * unit + BigInt(Math.trunc(part * Number(unit) + 0.5))
  if (bytes >= LIMIT) return 'too large'
  return { bytes, hasHexSuffix: hexadecimal !== undefined && suffix !== '' }
}

/** The bytes, below 2^64, or nothing where the text is no such size. */
export function parseSize(text: string): bigint | undefined {
  const reading = readSize(text)
  return typeof reading === 'string' ? undefined : reading.bytes
}

/** A fraction such as `.5` as the double that QEMU makes of it; what rounds to one is dropped. */
function partOf(fraction: string | undefined): number {
  if (fraction === undefined || fraction === '.') return 0
  const part = Number(`0${fraction}`)
  return part < 1 ? part : 0
}
