/** Errors as NBD sends them: few numbers, onto which all errnos are mapped. */
import type { Errno } from '../util/errors.ts'
import { errnoFromNumber, errnoNumber } from '../util/errors.ts'

/** Errnos that have a number of their own on the wire, or share one. All others are EINVAL. */
const ON_THE_WIRE: Partial<Record<Errno, Errno>> = {
  EPERM: 'EPERM',
  EROFS: 'EPERM',
  EIO: 'EIO',
  ENOMEM: 'ENOMEM',
  EFBIG: 'ENOSPC',
  ENOSPC: 'ENOSPC',
  EDQUOT: 'ENOSPC',
  EOVERFLOW: 'EOVERFLOW',
  ENOTSUP: 'ENOTSUP',
  ESHUTDOWN: 'ESHUTDOWN',
}

/** The wire's errno for one of ours. */
export function mapErrno(errno: Errno): Errno {
  return ON_THE_WIRE[errno] ?? 'EINVAL'
}

/** The number to send. */
export function errnoToWire(errno: Errno): number {
  return errnoNumber(mapErrno(errno))
}

/** The errno of a received number; what the protocol does not name is EINVAL. */
export function errnoFromWire(number: number): Errno {
  const errno = errnoFromNumber(number)
  return ON_THE_WIRE[errno] === errno ? errno : 'EINVAL'
}
