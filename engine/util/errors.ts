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
  /** For people only, never sent over QMP: lines that follow the description, with their ends. */
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
  ESRCH: [3, 'No such process'],
  E2BIG: [7, 'Argument list too long'],
  ENOEXEC: [8, 'Exec format error'],
  ECHILD: [10, 'No child processes'],
  EFAULT: [14, 'Bad address'],
  ENOTBLK: [15, 'Block device required'],
  EMLINK: [31, 'Too many links'],
  EDOM: [33, 'Numerical argument out of domain'],
  EDEADLK: [35, 'Resource deadlock avoided'],
  ENOLCK: [37, 'No locks available'],
  ENOSYS: [38, 'Function not implemented'],
  ENOTEMPTY: [39, 'Directory not empty'],
  ENOMSG: [42, 'No message of desired type'],
  EIDRM: [43, 'Identifier removed'],
  ECHRNG: [44, 'Channel number out of range'],
  EL2NSYNC: [45, 'Level 2 not synchronized'],
  EL3HLT: [46, 'Level 3 halted'],
  EL3RST: [47, 'Level 3 reset'],
  ELNRNG: [48, 'Link number out of range'],
  EUNATCH: [49, 'Protocol driver not attached'],
  ENOCSI: [50, 'No CSI structure available'],
  EL2HLT: [51, 'Level 2 halted'],
  EBADE: [52, 'Invalid exchange'],
  EBADR: [53, 'Invalid request descriptor'],
  EXFULL: [54, 'Exchange full'],
  ENOANO: [55, 'No anode'],
  EBADRQC: [56, 'Invalid request code'],
  EBADSLT: [57, 'Invalid slot'],
  EBFONT: [59, 'Bad font file format'],
  ENOSTR: [60, 'Device not a stream'],
  ENODATA: [61, 'No data available'],
  ETIME: [62, 'Timer expired'],
  ENOSR: [63, 'Out of streams resources'],
  ENONET: [64, 'Machine is not on the network'],
  ENOPKG: [65, 'Package not installed'],
  EREMOTE: [66, 'Object is remote'],
  ENOLINK: [67, 'Link has been severed'],
  EADV: [68, 'Advertise error'],
  ESRMNT: [69, 'Srmount error'],
  ECOMM: [70, 'Communication error on send'],
  EMULTIHOP: [72, 'Multihop attempted'],
  EDOTDOT: [73, 'RFS specific error'],
  EBADMSG: [74, 'Bad message'],
  ENOTUNIQ: [76, 'Name not unique on network'],
  EBADFD: [77, 'File descriptor in bad state'],
  EREMCHG: [78, 'Remote address changed'],
  ELIBACC: [79, 'Can not access a needed shared library'],
  ELIBBAD: [80, 'Accessing a corrupted shared library'],
  ELIBSCN: [81, '.lib section in a.out corrupted'],
  ELIBMAX: [82, 'Attempting to link in too many shared libraries'],
  ELIBEXEC: [83, 'Cannot exec a shared library directly'],
  EILSEQ: [84, 'Invalid or incomplete multibyte or wide character'],
  ERESTART: [85, 'Interrupted system call should be restarted'],
  ESTRPIPE: [86, 'Streams pipe error'],
  EUSERS: [87, 'Too many users'],
  ENOTSOCK: [88, 'Socket operation on non-socket'],
  EDESTADDRREQ: [89, 'Destination address required'],
  EMSGSIZE: [90, 'Message too long'],
  EPROTOTYPE: [91, 'Protocol wrong type for socket'],
  ENOPROTOOPT: [92, 'Protocol not available'],
  EPROTONOSUPPORT: [93, 'Protocol not supported'],
  ESOCKTNOSUPPORT: [94, 'Socket type not supported'],
  EPFNOSUPPORT: [96, 'Protocol family not supported'],
  EAFNOSUPPORT: [97, 'Address family not supported by protocol'],
  ENETDOWN: [100, 'Network is down'],
  ENETUNREACH: [101, 'Network is unreachable'],
  ENETRESET: [102, 'Network dropped connection on reset'],
  ECONNABORTED: [103, 'Software caused connection abort'],
  EISCONN: [106, 'Transport endpoint is already connected'],
  ENOTCONN: [107, 'Transport endpoint is not connected'],
  ETOOMANYREFS: [109, 'Too many references: cannot splice'],
  EHOSTDOWN: [112, 'Host is down'],
  EALREADY: [114, 'Operation already in progress'],
  EINPROGRESS: [115, 'Operation now in progress'],
  ESTALE: [116, 'Stale file handle'],
  EUCLEAN: [117, 'Structure needs cleaning'],
  ENOTNAM: [118, 'Not a XENIX named type file'],
  ENAVAIL: [119, 'No XENIX semaphores available'],
  EISNAM: [120, 'Is a named type file'],
  EREMOTEIO: [121, 'Remote I/O error'],
  EMEDIUMTYPE: [124, 'Wrong medium type'],
  ENOKEY: [126, 'Required key not available'],
  EKEYEXPIRED: [127, 'Key has expired'],
  EKEYREVOKED: [128, 'Key has been revoked'],
  EKEYREJECTED: [129, 'Key was rejected by service'],
  EOWNERDEAD: [130, 'Owner died'],
  ENOTRECOVERABLE: [131, 'State not recoverable'],
  ERFKILL: [132, 'Operation not possible due to RF-kill'],
  EHWPOISON: [133, 'Memory page has hardware error'],
} as const satisfies Record<string, readonly [number, string]>

/** An errno by its name, or by `E` and a number that Linux has given no name. */
export type Errno = keyof typeof ERRNO | `E${number}`

export function errnoText(errno: Errno): string {
  return isErrno(errno) ? ERRNO[errno][1] : `Unknown error ${errno.slice(1)}`
}

/** As Linux numbers it. */
export function errnoNumber(errno: Errno): number {
  return isErrno(errno) ? ERRNO[errno][0] : Number(errno.slice(1))
}

const NAMES: ReadonlyMap<number, Errno> = new Map(
  Object.entries(ERRNO).map(([name, [number]]) => [number, name as Errno]),
)

export function errnoFromNumber(number: number): Errno {
  return NAMES.get(number) ?? `E${number}`
}

/** Whether it is the name of an errno. */
export function isErrno(name: unknown): name is keyof typeof ERRNO {
  return typeof name === 'string' && Object.hasOwn(ERRNO, name)
}
