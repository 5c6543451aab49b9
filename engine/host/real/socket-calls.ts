/** The system calls that make sockets of families which Node does not know. */
import { type Errno, errnoFromNumber } from '../../util/errors.ts'
import { le16, le32, struct } from '../../util/struct.ts'
import type { Call } from '../native.ts'
import type { Outcome } from './syscalls.ts'

export interface SocketCalls {
  /** A new stream socket that never waits. */
  open(family: number): Outcome
  /** @param address - In the system's own form, the family in front. */
  bind(fd: number, address: Uint8Array): Outcome
  listen(fd: number, backlog: number): Outcome
  /** `EINPROGRESS` where it is not settled at once: then `connected` tells. */
  connect(fd: number, address: Uint8Array): Outcome
  /** What became of a connection; it is waited for beside everything else. */
  connected(fd: number): Promise<Outcome>
  /** Makes `to` mean what `from` means, in place of what it meant. */
  duplicate(from: number, to: number): Outcome
}

/** A function that can also be called beside everything else, with what to call when it ends. */
export type AsyncCall = Call & { readonly async: (...parameters: readonly unknown[]) => void }

// 64-bit Linux has the same values on all the machines that we make calls on.
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const CLOSE_ON_EXEC = 0o2000000
const SOL_SOCKET = 1
const SO_ERROR = 4
const POLLOUT = 4

/** `struct pollfd`. */
const POLL = struct(8, { fd: le32(0), events: le16(4), revents: le16(6) })
/** An `int` by itself. */
const INT = struct(4, { value: le32(0) })

export function bindSocketCalls(
  find: (prototype: string) => AsyncCall,
  outcome: (result: number) => number | Errno,
): SocketCalls {
  const socket = find('int socket(int family, int type, int protocol)')
  const bind = find('int bind(int fd, void *address, uint32_t bytes)')
  const listen = find('int listen(int fd, int backlog)')
  const connect = find('int connect(int fd, void *address, uint32_t bytes)')
  const poll = find('int poll(void *fds, uint64_t count, int timeout)')
  const getOption = find('int getsockopt(int fd, int level, int name, void *value, void *bytes)')
  const dup3 = find('int dup3(int from, int to, int flags)')
  return {
    open: (family) => outcome(socket(family, SOCK_STREAM | SOCK_NONBLOCK | CLOSE_ON_EXEC, 0)),
    bind: (fd, address) => outcome(bind(fd, address, address.length)),
    listen: (fd, backlog) => outcome(listen(fd, backlog)),
    connect: (fd, address) => outcome(connect(fd, address, address.length)),
    connected: async (fd) => {
      const record = POLL.encode({ fd, events: POLLOUT, revents: 0 })
      await new Promise<unknown>((resolve) => {
        // The record must live until the call has ended.
        poll.async(record, 1, -1, () => {
          resolve(record)
        })
      })
      const value = INT.encode({ value: 0 })
      const bytes = INT.encode({ value: INT.size })
      const got = outcome(getOption(fd, SOL_SOCKET, SO_ERROR, value, bytes))
      const errno = INT.decode(value).value
      return typeof got === 'string' || errno === 0 ? got : errnoFromNumber(errno)
    },
    duplicate: (from, to) => outcome(dup3(from, to, CLOSE_ON_EXEC)),
  }
}
