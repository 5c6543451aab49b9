/** Names that clients choose for objects and devices. */
import { BlockError } from './errors.ts'

const HINT = "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.\n"

/** @throws {BlockError} where `value` is no identifier; the hint is for command lines only. */
export function checkIdentifier(parameter: string, value: string): void {
  if (/^[a-zA-Z][-a-zA-Z0-9._]*$/.test(value)) return
  throw new BlockError(`Parameter '${parameter}' expects an identifier`, { hint: HINT })
}
