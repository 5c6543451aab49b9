/**
 * System calls that Node has no name for. Where they cannot be had, callers do without: no holes
 * are found or punched, no locks are taken, and everything else works.
 */
import type { Errno } from '../../util/errors.ts'
import { errnoFromNumber } from '../../util/errors.ts'
import { le16, le32, le64, reserved, struct } from '../../util/struct.ts'
import { loadKoffi, type Call } from '../native.ts'
import { type AsyncCall, bindSocketCalls, type SocketCalls } from './socket-calls.ts'

/** What a call came to: its result, or why it failed. */
export type Outcome = number | Errno

export interface SystemCalls {
  /** `lseek` to the next data or hole at or after `offset`; `ENXIO` past the last. */
  seek(fd: number, offset: number, what: 'data' | 'hole'): Outcome
  fallocate(fd: number, how: keyof typeof FALLOCATE, offset: number, bytes: number): Outcome
  /** Takes or drops a shared open-file-description lock on one byte. */
  lock(fd: number, byte: number, how: 'shared' | 'none'): Outcome
  /** 1 when somebody else's lock would refuse an exclusive one on the byte, else 0. */
  probeLock(fd: number, byte: number): Outcome
  readonly sockets: SocketCalls
}

const SEEK = { data: 3, hole: 4 } as const
/** Punching keeps the file's length; the others may grow it. */
const FALLOCATE = { punch: 0x2 | 0x1, zero: 0x10, reserve: 0 } as const
const F_OFD_GETLK = 36
const F_OFD_SETLK = 37
const LOCK_TYPE = { shared: 0, exclusive: 1, none: 2 } as const

/** `struct flock` of 64-bit Linux. */
const FLOCK = struct(32, {
  type: le16(0),
  whence: le16(2),
  gap: reserved(4, 4),
  start: le64(8),
  length: le64(16),
  pid: le32(24),
  tail: reserved(28, 4),
})

let loaded: { readonly calls?: SystemCalls; readonly reason?: string } | undefined

/** The calls, or nothing where this system or installation has none. */
export function systemCalls(): SystemCalls | undefined {
  return load().calls
}

/** Why there are no system calls; nothing where there are. */
export function whyNoSystemCalls(): string | undefined {
  return load().reason
}

function load(): NonNullable<typeof loaded> {
  if (loaded !== undefined) return loaded
  try {
    loaded = { calls: bind() }
  } catch (error) {
    loaded = { reason: (error as Error).message }
  }
  return loaded
}

function bind(): SystemCalls {
  const koffi = loadKoffi()
  const library = koffi.load(null)
  const lseek = library.func('int64_t lseek(int fd, int64_t offset, int whence)') as Call
  const fallocate = library.func(
    'int fallocate(int fd, int mode, int64_t offset, int64_t length)',
  ) as Call
  const fcntl = library.func('int fcntl(int fd, int command, ...)') as Call
  const outcome = (result: number): Outcome =>
    result < 0 ? errnoFromNumber(koffi.errno()) : result
  const flock = (byte: number, type: number): Uint8Array =>
    FLOCK.encode({
      type,
      whence: 0,
      gap: undefined,
      start: BigInt(byte),
      length: 1n,
      pid: 0,
      tail: undefined,
    })
  return {
    seek: (fd, offset, what) => outcome(lseek(fd, offset, SEEK[what])),
    fallocate: (fd, how, offset, bytes) => outcome(fallocate(fd, FALLOCATE[how], offset, bytes)),
    lock: (fd, byte, how) => outcome(fcntl(fd, F_OFD_SETLK, 'void *', flock(byte, LOCK_TYPE[how]))),
    probeLock: (fd, byte) => {
      const record = flock(byte, LOCK_TYPE.exclusive)
      const result = outcome(fcntl(fd, F_OFD_GETLK, 'void *', record))
      if (typeof result === 'string') return result
      return FLOCK.decode(record).type === LOCK_TYPE.none ? 0 : 1
    },
    sockets: bindSocketCalls((prototype) => library.func(prototype) as AsyncCall, outcome),
  }
}
