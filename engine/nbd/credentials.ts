/** Credentials for TLS, which cannot be made here: each that is named is missing. */
import { BlockError } from '../util/errors.ts'

/**
 * @param lookUp - Finds objects by type and id; that somebody looked can be seen.
 * @throws {BlockError} where one is named.
 */
export function checkCredentials(
  id: string | undefined,
  lookUp: (type: string, id: string) => unknown,
): void {
  if (id === undefined) return
  lookUp('tls-creds', id)
  throw new BlockError(`No TLS credentials with id '${id}'`)
}
