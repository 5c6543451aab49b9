/** Sizes and offsets as options that the schema takes for any whole number. */
import { BlockError } from '../util/errors.ts'

/** @throws {BlockError} in QEMU's words. */
export function checkNotNegative(name: string, value: number | undefined): number | undefined {
  if (value === undefined || value >= 0) return value
  throw new BlockError(`Parameter '${name}' expects a non-negative number below 2^64`)
}

/**
 * Sizes above 2^53 are the one thing that QEMU takes and the engine's numbers cannot keep.
 *
 * @throws {BlockError} in words of our own.
 */
export function checkKeepable(name: string, value: number): number {
  if (Number.isSafeInteger(value)) return value
  throw new BlockError(`Parameter '${name}' is beyond 2^53, which this engine cannot keep`)
}
