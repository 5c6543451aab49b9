/**
 * The two kinds of failure. A `BlockError` is expected: a client asked for something that cannot
 * be had, and reads why. A failed `assert` is a bug in the engine.
 */

/** What a QMP client may branch on. */
export type ErrorClass =
  'GenericError' | 'CommandNotFound' | 'DeviceNotActive' | 'DeviceNotFound' | 'KVMMissingCap'

export interface BlockErrorOptions {
  readonly class?: ErrorClass
  /** The errno name, such as `EIO`; tools print its text, NBD sends its number. */
  readonly errno?: Errno
  /** For people only: never sent over QMP. */
  readonly hint?: string
  readonly cause?: unknown
}

/** An expected failure, described as a QMP client sees it. */
export class BlockError extends Error {
  override readonly name = 'BlockError'
  readonly class: ErrorClass
  readonly errno: Errno
  readonly hint: string | undefined

  constructor(description: string, options: BlockErrorOptions = {}) {
    super(description, options.cause === undefined ? {} : { cause: options.cause })
    this.class = options.class ?? 'GenericError'
    this.errno = options.errno ?? 'EINVAL'
    this.hint = options.hint
  }

  /** The same failure with `context: ` before its description; class, errno and hint stay. */
  static prepend(context: string, error: BlockError): BlockError {
    return new BlockError(`${context}: ${error.message}`, {
      class: error.class,
      errno: error.errno,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    })
  }

  /** A failure whose description is `context: ` and the system's text for `errno`. */
  static system(context: string, errno: Errno): BlockError {
    return new BlockError(`${context}: ${errnoText(errno)}`, { errno })
  }
}

/** A request that failed at run time, of which only the errno matters. */
export function ioError(errno: Errno): BlockError {
  return new BlockError(errnoText(errno), { errno })
}

/** Errno names the engine can meet, with Linux numbers and the C library's texts. */
export const ERRNO = {
  EPERM: [1, 'Operation not permitted'],
  ENOENT: [2, 'No such file or directory'],
  EINTR: [4, 'Interrupted system call'],
  EIO: [5, 'Input/output error'],
  ENXIO: [6, 'No such device or address'],
  EBADF: [9, 'Bad file descriptor'],
  EAGAIN: [11, 'Resource temporarily unavailable'],
  ENOMEM: [12, 'Cannot allocate memory'],
  EACCES: [13, 'Permission denied'],
  EBUSY: [16, 'Device or resource busy'],
  EEXIST: [17, 'File exists'],
  EXDEV: [18, 'Invalid cross-device link'],
  ENODEV: [19, 'No such device'],
  ENOTDIR: [20, 'Not a directory'],
  EISDIR: [21, 'Is a directory'],
  EINVAL: [22, 'Invalid argument'],
  ENFILE: [23, 'Too many open files in system'],
  EMFILE: [24, 'Too many open files'],
  ENOTTY: [25, 'Inappropriate ioctl for device'],
  ETXTBSY: [26, 'Text file busy'],
  EFBIG: [27, 'File too large'],
  ENOSPC: [28, 'No space left on device'],
  ESPIPE: [29, 'Illegal seek'],
  EROFS: [30, 'Read-only file system'],
  EPIPE: [32, 'Broken pipe'],
  ERANGE: [34, 'Numerical result out of range'],
  ENAMETOOLONG: [36, 'File name too long'],
  ELOOP: [40, 'Too many levels of symbolic links'],
  EPROTO: [71, 'Protocol error'],
  EOVERFLOW: [75, 'Value too large for defined data type'],
  ENOTSUP: [95, 'Operation not supported'],
  EADDRINUSE: [98, 'Address already in use'],
  EADDRNOTAVAIL: [99, 'Cannot assign requested address'],
  ENOBUFS: [105, 'No buffer space available'],
  ECONNRESET: [104, 'Connection reset by peer'],
  ESHUTDOWN: [108, 'Cannot send after transport endpoint shutdown'],
  ETIMEDOUT: [110, 'Connection timed out'],
  ECONNREFUSED: [111, 'Connection refused'],
  EHOSTUNREACH: [113, 'No route to host'],
  ENOMEDIUM: [123, 'No medium found'],
  ECANCELED: [125, 'Operation canceled'],
  EDQUOT: [122, 'Disk quota exceeded'],
} as const satisfies Record<string, readonly [number, string]>

export type Errno = keyof typeof ERRNO

export function errnoText(errno: Errno): string {
  return ERRNO[errno][1]
}

/** The errno with this Linux number, or `EIO` where the engine has no name for it. */
export function errnoFromNumber(number: number): Errno {
  for (const [name, [value]] of Object.entries(ERRNO)) {
    if (value === number) return name as Errno
  }
  return 'EIO'
}

export function isErrno(name: unknown): name is Errno {
  return typeof name === 'string' && Object.hasOwn(ERRNO, name)
}
