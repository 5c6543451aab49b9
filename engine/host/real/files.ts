/**
 * Real files. Data moves in synchronous calls with plain number offsets, which is several times
 * faster than any asynchronous way for the short requests of disks; only flushing, which waits for
 * hardware, leaves the thread.
 */
import * as fs from 'node:fs'
import type { Errno } from '../../util/errors.ts'
import { ioError } from '../../util/errors.ts'
import type { Extent, FileLocks, Files, HostFile, OpenFlags } from '../host.ts'
import { alignedTransfers, probeAlignment } from './direct.ts'
import { calling, systemFailure } from './failure.ts'
import type { Outcome, SystemCalls } from './syscalls.ts'
import { systemCalls } from './syscalls.ts'

/** A single call moves at most this much; the platform refuses 2 GiB. */
const MAX_CALL_BYTES = 1 << 30
/** `st_blocks` counts in this unit whatever the file system's own is. */
const STAT_BLOCK_BYTES = 512

export function createRealFiles(): Files {
  return {
    open: openFile,
    exists: (path) => fs.existsSync(path),
    unlink: (path) => {
      calling(() => {
        fs.unlinkSync(path)
      })
    },
  }
}

function openFile(path: string, flags: OpenFlags): HostFile {
  const { O_CREAT, O_DIRECT, O_RDONLY, O_RDWR } = fs.constants
  const mode =
    (flags.write ? O_RDWR : O_RDONLY) |
    (flags.create === true ? O_CREAT : 0) |
    (flags.direct === true ? O_DIRECT : 0)
  const fd = calling(() => fs.openSync(path, mode, 0o644))
  const stat = fs.fstatSync(fd)
  const regular = stat.isFile()
  const past = flags.direct === true && regular && probeAlignment(fd) > 1
  const transfers = past ? alignedTransfers(plainTransfers(fd)) : plainTransfers(fd)
  return {
    regular,
    device: stat.isBlockDevice() || stat.isCharacterDevice(),
    probeAlignment: () => (regular ? probeAlignment(fd) : 1),
    length: () => calling(() => fs.fstatSync(fd).size),
    allocatedBytes: () => calling(() => fs.fstatSync(fd).blocks * STAT_BLOCK_BYTES),
    ...transfers,
    flush: () =>
      new Promise((resolve, reject) => {
        fs.fdatasync(fd, (error) => {
          if (error === null) resolve()
          else reject(systemFailure(error))
        })
      }),
    truncate: (bytes) => {
      calling(() => {
        fs.ftruncateSync(fd, bytes)
      })
    },
    punchHole: (offset, bytes) => allocate(fd, 'punch', offset, bytes),
    zeroRange: (offset, bytes) => allocate(fd, 'zero', offset, bytes),
    allocate: (offset, bytes) => {
      need(systemCalls()?.fallocate(fd, 'reserve', offset, bytes) ?? 'ENOTSUP')
    },
    extent: (offset) => findExtent(fd, offset),
    ...lazyLocks(fd),
    close: () => {
      calling(() => {
        fs.closeSync(fd)
      })
    },
  }
}

/** Reading and writing as the request path asks for them. */
export interface Transfers {
  read(offset: number, into: Uint8Array): void
  write(offset: number, data: Uint8Array): void
}

function plainTransfers(fd: number): Transfers {
  return {
    read: (offset, into) => {
      let done = 0
      while (done < into.length) {
        const count = Math.min(into.length - done, MAX_CALL_BYTES)
        const got = calling(() => fs.readSync(fd, into, done, count, offset + done))
        if (got === 0) break
        done += got
      }
      into.fill(0, done)
    },
    write: (offset, data) => {
      let done = 0
      while (done < data.length) {
        const count = Math.min(data.length - done, MAX_CALL_BYTES)
        done += calling(() => fs.writeSync(fd, data, done, count, offset + done))
      }
    },
  }
}

const UNSUPPORTED: readonly Errno[] = ['ENOTSUP', 'EINVAL', 'ENODEV']

function allocate(fd: number, how: 'punch' | 'zero', offset: number, bytes: number): boolean {
  if (bytes === 0) return true
  const result = systemCalls()?.fallocate(fd, how, offset, bytes) ?? 'ENOTSUP'
  if (typeof result === 'number') return true
  if (UNSUPPORTED.includes(result)) return false
  throw ioError(result)
}

function findExtent(fd: number, offset: number): Extent {
  const rest = Math.max(0, calling(() => fs.fstatSync(fd).size) - offset)
  const calls = systemCalls()
  if (calls === undefined) return { data: true, bytes: rest }
  const data = calls.seek(fd, offset, 'data')
  if (data === 'ENXIO') return { data: false, bytes: rest }
  if (typeof data === 'string') return { data: true, bytes: rest }
  if (data > offset) return { data: false, bytes: data - offset }
  const hole = calls.seek(fd, offset, 'hole')
  return { data: true, bytes: typeof hole === 'number' ? hole - offset : rest }
}

/** The locks, loaded with the system calls when somebody first looks at them. */
function lazyLocks(fd: number): { readonly locks: FileLocks | undefined } {
  return {
    get locks() {
      const calls = systemCalls()
      return calls === undefined ? undefined : openLocks(fd, calls)
    },
  }
}

function openLocks(fd: number, calls: SystemCalls): FileLocks {
  return {
    lockShared: (byte) => {
      const result = calls.lock(fd, byte, 'shared')
      if (result === 'EAGAIN' || result === 'EACCES') return false
      need(result)
      return true
    },
    unlock: (byte) => {
      need(calls.lock(fd, byte, 'none'))
    },
    isHeldByOther: (byte) => need(calls.probeLock(fd, byte)) === 1,
  }
}

function need(result: Outcome): number {
  if (typeof result === 'string') throw ioError(result)
  return result
}
