/** What lies around the simulated machine, as far as one that it stands for could tell. */
import type { Errno } from '../../util/errors.ts'
import { ioError } from '../../util/errors.ts'
import type { SocketAddress } from '../host.ts'

export interface Surroundings {
  /** Addresses that the machine's list of names has for `localhost`, in order. */
  readonly localhost: readonly string[]
  /**
   * What a connection to a port of another machine comes to, or to one of its own. `ETIMEDOUT` is
   * what a guest hears when nothing answers, `ENODEV` a machine that is no guest.
   */
  readonly vsock: Errno
}

/** A guest whose host does not answer, and whose name has an address of version 4 alone. */
export const LONELY_GUEST: Surroundings = { localhost: ['127.0.0.1'], vsock: 'ETIMEDOUT' }

/** Linux gives up a connection to another machine after two seconds, and a tick of its clock. */
export const VSOCK_TIMEOUT_NS = 2.004e9

/** A guest's number; the first that is not reserved. */
const OWN_CID = 3
const ANY = 2 ** 32 - 1

/** @throws {BlockError} `EADDRNOTAVAIL` where the number is another machine's. */
export function checkOwnCid({ cid }: SocketAddress & { readonly type: 'vsock' }): void {
  if (cid !== ANY && cid !== OWN_CID) throw ioError('EADDRNOTAVAIL')
}

/** Whether any free port will do. */
export function isAnyPort(port: number): boolean {
  return port === ANY
}
