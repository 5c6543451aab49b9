/** Sizes and offsets as options that the schema takes for any integer. */
import { BlockError } from '../util/errors.ts'

/** @throws {BlockError} in QEMU's words. */
export function checkNotNegative<T extends number | bigint>(
  name: string,
  value: T | undefined,
): T | undefined {
  if (value === undefined || value >= 0) return value
  throw new BlockError(`Parameter '${name}' expects a non-negative number below 2^64`)
}

/**
 * Returns the value if it is one that a node can have.
 *
 * @throws {BlockError} for a negative value, and for one that is too large for this engine alone.
 */
export function checkSize(name: string, value: number | bigint | undefined): number | undefined {
  const size = checkNotNegative(name, value)
  if (size === undefined) return undefined
  if (size > Number.MAX_SAFE_INTEGER && size <= 2 ** 63 - 2 ** 30) {
    throw new BlockError(`Parameter '${name}' must be below 2^53 in this engine`)
  }
  return Number(size)
}
