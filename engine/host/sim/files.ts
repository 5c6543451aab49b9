/**
 * Simulated files. Names are plain keys; directories are there when something is in them or they were made. What a real file system
 * says about holes, locks and missing files is told the same way here. A hook may delay or fail
 * single operations.
 */
import { posix } from 'node:path'
import type { MaybePromise } from '../../util/async.ts'
import type { Errno } from '../../util/errors.ts'
import { ioError } from '../../util/errors.ts'
import type { Clock, FileLocks, Files, HostFile, OpenFlags } from '../host.ts'
import { SimDisk } from './disk.ts'

/** One operation on a simulated file, as a hook sees it before it happens. */
export interface SimFileOperation {
  readonly kind: 'read' | 'write' | 'flush' | 'truncate' | 'punch' | 'zero'
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

/** What a hook makes of it: wait, then fail or go on. Only reads, writes and flushes can wait. */
export interface SimFileFate {
  readonly delayNs?: number
  readonly errno?: Errno
}

export type SimFileHook = (operation: SimFileOperation) => SimFileFate | undefined

export interface SimFiles extends Files {
  /** Runs before every operation; one at a time, set to `undefined` to remove it. */
  hook: SimFileHook | undefined
  /** Files can be made there, although nothing is in it yet. */
  makeDirectory(path: string): void
  /** Makes a file with this content, or replaces it, wherever that is. */
  put(path: string, content: Uint8Array): void
  /** The whole content of a file. */
  content(path: string): Uint8Array
  /** Refuses writers from now on, as a file without write permission does. */
  setReadOnly(path: string): void
  /** Forgets every file and what is in it; files that are open are empty from now on. */
  clear(): void
  /** What is in all files, to be put back here or elsewhere; nothing is open. */
  save(): SavedFiles
  /** Puts files back beside those that are there. */
  restore(saved: SavedFiles): void
  /** Every path, in order of making. */
  list(): string[]
}

/** Files at some time, by path. */
export type SavedFiles = ReadonlyMap<string, Pick<Inode, 'disk' | 'readOnly'>>

/** Gives the memory back of what nobody needs any more. */
export function releaseFiles(files: SavedFiles): void {
  for (const { disk } of files.values()) disk.release()
}

/** What all who opened a file share. */
interface Inode {
  disk: SimDisk
  readOnly: boolean
  /** Who holds a shared lock on which byte. */
  readonly locks: Map<number, Set<object>>
}

export function createSimFiles(clock: Clock): SimFiles {
  const inodes = new Map<string, Inode>()
  const made = new Set<string>()
  const find = (path: string): Inode | undefined => inodes.get(keyOf(path))
  const make = (path: string): Inode => {
    const inode: Inode = { disk: new SimDisk(), readOnly: false, locks: new Map() }
    inodes.set(keyOf(path), inode)
    return inode
  }
  const need = (path: string): Inode => {
    const inode = find(path)
    if (inode === undefined) throw ioError('ENOENT')
    return inode
  }
  const files: SimFiles = {
    hook: undefined,
    open: (path, flags) => {
      checkName(path, inodes)
      if (isDirectory(path, inodes)) {
        if (flags.write) throw ioError('EISDIR')
        if (flags.direct === true) throw ioError('EINVAL')
        return openDirectory()
      }
      let inode = find(path)
      if (inode === undefined) {
        const folder = posix.dirname(keyOf(path))
        const hasFolder = made.has(folder) || isDirectory(folder, inodes)
        if (flags.create !== true || !hasFolder) throw ioError('ENOENT')
        inode = make(path)
      }
      if (flags.write && inode.readOnly) throw ioError('EACCES')
      return openFile(inode, path, flags, clock, () => files.hook)
    },
    exists: (path) => find(path) !== undefined,
    unlink: (path) => {
      if (!inodes.delete(keyOf(path))) throw ioError('ENOENT')
    },
    makeDirectory: (path) => {
      made.add(keyOf(path))
    },
    put: (path, content) => {
      const inode = find(path) ?? make(path)
      inode.disk = new SimDisk()
      inode.disk.write(0, content)
    },
    content: (path) => {
      const { disk } = need(path)
      const bytes = new Uint8Array(disk.length)
      disk.read(0, bytes)
      return bytes
    },
    setReadOnly: (path) => {
      need(path).readOnly = true
    },
    clear: () => {
      releaseFiles(inodes)
      inodes.clear()
    },
    save: () =>
      new Map(
        [...inodes].map(([key, { disk, readOnly }]) => [key, { disk: disk.clone(), readOnly }]),
      ),
    restore: (saved) => {
      for (const [key, { disk, readOnly }] of saved) {
        inodes.set(key, { disk: disk.clone(), readOnly, locks: new Map() })
      }
    },
    list: () => [...inodes.keys()],
  }
  return files
}

/** The sector size of the simulated storage. */
const DIRECT_ALIGNMENT = 512
/** What is assumed where reading tells nothing: of a file that begins with a hole, or from the page cache. */
const SAFE_ALIGNMENT = 4096
const PATH_MAX_BYTES = 4096
const NAME_MAX_BYTES = 255

function checkName(path: string, inodes: ReadonlyMap<string, unknown>): void {
  if (path === '') throw ioError('ENOENT')
  if (Buffer.byteLength(path) >= PATH_MAX_BYTES) throw ioError('ENAMETOOLONG')
  for (const part of path.split('/')) {
    if (Buffer.byteLength(part) > NAME_MAX_BYTES) throw ioError('ENAMETOOLONG')
  }
  const key = keyOf(path)
  if (inodes.has(key)) return
  for (const other of inodes.keys()) {
    if (key.startsWith(`${other}/`)) throw ioError('ENOTDIR')
  }
}

function isDirectory(path: string, inodes: ReadonlyMap<string, unknown>): boolean {
  const key = keyOf(path)
  return key === '/' || [...inodes.keys()].some((other) => other.startsWith(`${key}/`))
}

/** What a reader gets of a directory: a name and nothing behind it. */
function openDirectory(): HostFile {
  const refuse = (): never => {
    throw ioError('EISDIR')
  }
  return {
    regular: false,
    device: false,
    probeAlignment: () => 1,
    length: () => 0,
    allocatedBytes: () => undefined,
    read: refuse,
    write: refuse,
    flush: refuse,
    truncate: refuse,
    punchHole: refuse,
    zeroRange: refuse,
    allocate: refuse,
    extent: refuse,
    locks: undefined,
    close: () => undefined,
  }
}

/** The simulated process works in the root directory. */
function keyOf(path: string): string {
  return posix.resolve('/', path)
}

function openFile(
  inode: Inode,
  path: string,
  flags: OpenFlags,
  clock: Clock,
  hook: () => SimFileHook | undefined,
): HostFile {
  const locks = openLocks(inode)
  let open = true
  const fate = (kind: SimFileOperation['kind'], offset: number, bytes: number): SimFileFate => {
    if (!open) throw ioError('EBADF')
    if (!flags.write && kind !== 'read' && kind !== 'flush') throw ioError('EBADF')
    return hook()?.({ kind, path, offset, bytes }) ?? {}
  }
  /** Carries out what waits for nothing at once, and the rest when its delay is over. */
  const soonOrLater = ({ delayNs, errno }: SimFileFate, work: () => void): MaybePromise<void> => {
    if (delayNs === undefined) {
      failOr(errno, work)
      return
    }
    return new Promise<void>((resolve) => {
      clock.after(delayNs, resolve)
    }).then(() => {
      failOr(errno, work)
    })
  }
  return {
    regular: true,
    device: false,
    probeAlignment: () => (flags.direct === true ? directAlignment(inode.disk) : SAFE_ALIGNMENT),
    length: () => inode.disk.length,
    allocatedBytes: () => inode.disk.allocatedBytes(),
    read: (offset, into) =>
      soonOrLater(fate('read', offset, into.length), () => {
        inode.disk.read(offset, into)
        if (flags.direct !== true) inode.disk.cache(offset, into.length)
      }),
    write: (offset, data) =>
      soonOrLater(fate('write', offset, data.length), () => {
        inode.disk.write(offset, data)
      }),
    flush: () => soonOrLater(fate('flush', 0, 0), () => undefined),
    truncate: (bytes) => {
      failOr(fate('truncate', bytes, 0).errno, () => {
        inode.disk.truncate(bytes)
      })
    },
    punchHole: (offset, bytes) => {
      failOr(fate('punch', offset, bytes).errno, () => {
        inode.disk.punchHole(offset, bytes)
      })
      return true
    },
    zeroRange: (offset, bytes) => {
      failOr(fate('zero', offset, bytes).errno, () => {
        inode.disk.zeroRange(offset, bytes)
      })
      return true
    },
    allocate: (offset, bytes) => {
      failOr(fate('zero', offset, bytes).errno, () => {
        inode.disk.reserve(offset, bytes)
      })
    },
    extent: (offset) => inode.disk.extent(offset),
    locks,
    close: () => {
      open = false
      for (const owners of inode.locks.values()) owners.delete(locks)
    },
  }
}

function directAlignment(disk: SimDisk): number {
  const beginsWithData = disk.length > 0 && disk.extent(0).data
  return beginsWithData ? DIRECT_ALIGNMENT : SAFE_ALIGNMENT
}

function failOr(errno: Errno | undefined, work: () => void): void {
  if (errno !== undefined) throw ioError(errno)
  work()
}

function openLocks(inode: Inode): FileLocks {
  const locks: FileLocks = {
    lockShared: (byte) => {
      const owners = inode.locks.get(byte) ?? new Set()
      owners.add(locks)
      inode.locks.set(byte, owners)
      return true
    },
    unlock: (byte) => {
      inode.locks.get(byte)?.delete(locks)
    },
    isHeldByOther: (byte) => {
      const owners = inode.locks.get(byte)
      return owners !== undefined && owners.size > (owners.has(locks) ? 1 : 0)
    },
  }
  return locks
}
