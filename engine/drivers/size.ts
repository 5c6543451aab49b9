/** Sizes and offsets as options that the schema takes for any whole number. */
import { BlockError } from '../util/errors.ts'

/** @throws {BlockError} in QEMU's words. */
export function checkNotNegative(name: string, value: number | undefined): number | undefined {
  if (value === undefined || value >= 0) return value
  throw new BlockError(`Parameter '${name}' expects a non-negative number below 2^64`)
}
