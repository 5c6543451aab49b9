/** Failures of the operating system, as Node reports them, turned into the engine's errors. */
import { BlockError, ioError, isErrno } from '../../util/errors.ts'

/** Node's names for errnos that the engine knows by another one. */
const OTHER_NAMES: Readonly<Record<string, 'ENOTSUP' | 'EAGAIN'>> = {
  EOPNOTSUPP: 'ENOTSUP',
  EWOULDBLOCK: 'EAGAIN',
}

/** The expected error behind a failed system call; anything else is given back as it is. */
export function systemFailure(error: unknown): Error {
  if (error instanceof BlockError) return error
  const { code, syscall } = error as NodeJS.ErrnoException
  // A name with a zero byte in it is no file's name.
  if (code === 'ERR_INVALID_ARG_VALUE') return ioError('ENOENT')
  if (syscall === 'getaddrinfo') {
    return new BlockError('Name or service not known', { errno: 'ENXIO', cause: error })
  }
  const name = code === undefined ? undefined : (OTHER_NAMES[code] ?? code)
  if (isErrno(name)) return ioError(name)
  return syscall === undefined ? (error as Error) : ioError('EIO')
}

/** Runs a synchronous call and turns its failure. */
export function calling<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw systemFailure(error)
  }
}
