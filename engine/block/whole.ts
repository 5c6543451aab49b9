/** Whole numbers as C reads them with base 0: decimal, hexadecimal or octal, with a sign. */

/** The number; or that the text is none, or one beyond 64 bits. */
export function readWhole(text: string): bigint | 'malformed' | 'too large' {
  const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|[0-9]+)$/.exec(text)
  const [, sign, digits] = match ?? []
  if (digits === undefined) return 'malformed'
  const octal = /^0[0-7]+$/.test(digits)
  if (/^0[0-9]/.test(digits) && !octal) return 'malformed'
  const magnitude = BigInt(octal ? `0o${digits}` : digits)
  if (magnitude >= 2n ** 64n) return 'too large'
  return sign === '-' ? -magnitude : magnitude
}
