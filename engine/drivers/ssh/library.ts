/**
 * `ssh2`, the client of the protocol, loaded when the first file is opened: few ever open one.
 */
import { createRequire } from 'node:module'
import { BlockError } from '../../util/errors.ts'

export type Ssh2 = typeof import('ssh2')

/** @throws {BlockError} where it is not installed. */
export function loadSsh2(): Ssh2 {
  try {
    return createRequire(import.meta.url)('ssh2') as Ssh2
  } catch (error) {
    throw new BlockError(`the package ssh2 cannot be loaded: ${(error as Error).message}`)
  }
}
