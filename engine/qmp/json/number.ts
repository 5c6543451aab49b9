/** Numbers of the wire: whole ones that fit 64 bits stay exact, all others become doubles. */

const INT64_MIN = -(2n ** 63n)
const UINT64_MAX = 2n ** 64n - 1n
/** Longer than any whole number that fits. */
const LONG = 21

/** @param text - A number by JSON's grammar. */
export function parseNumber(text: string): bigint | number {
  if (text.length > LONG || !/^-?[0-9]+$/.test(text)) return Number(text)
  const whole = BigInt(text)
  return whole >= INT64_MIN && whole <= UINT64_MAX ? whole : Number(text)
}
