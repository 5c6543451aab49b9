/** An open file on a server. Offsets and lengths are bytes. */
import type { SFTPWrapper, Stats } from 'ssh2'
import { BlockError, ioError } from '../../util/errors.ts'
import type { SshOptions } from './options.ts'
import { openSession, type Outside, type Session } from './session.ts'

/** How a file is opened; one that is made is emptied if it was there. */
export type OpenMode = 'read' | 'write' | 'make'

const FLAGS = { read: 'r', write: 'r+', make: 'w+' } as const
const MADE_MODE = 0o644

/** What servers answer: their numbers, of which these mean something here. */
const END_OF_FILE = 1

export interface RemoteFile {
  /** Who is logged in. */
  readonly user: string
  length(): number
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, data: Uint8Array): Promise<void>
  /** Makes it longer, up to `bytes`. @throws {BlockError} in the server's words. */
  grow(bytes: number): Promise<void>
  /** @returns whether the server knows how. */
  flush(): Promise<boolean>
  close(): Promise<void>
}

/** @throws {BlockError} that says how far it came. */
export async function openRemoteFile(
  options: SshOptions,
  mode: OpenMode,
  outside: Outside,
): Promise<RemoteFile> {
  const session = await openSession(options, outside)
  try {
    const calls = new Calls(session)
    const handle = await opened(calls, options.path, mode)
    const { size } = await calls
      .call<Stats>((sftp, done) => {
        sftp.fstat(handle, done)
      })
      .catch((error: unknown) => {
        throw told('failed to read file attributes', error)
      })
    return fileOver(session, calls, handle, size)
  } catch (error) {
    session.close()
    throw error
  }
}

function opened(calls: Calls, path: string, mode: OpenMode): Promise<Buffer> {
  return calls
    .call<Buffer>((sftp, done) => {
      sftp.open(path, FLAGS[mode], MADE_MODE, done)
    })
    .catch((error: unknown) => {
      throw told(`failed to open remote file '${path}'`, error)
    })
}

function fileOver(session: Session, calls: Calls, handle: Buffer, size: number): RemoteFile {
  let length = size
  const write = (offset: number, data: Uint8Array): Promise<unknown> =>
    data.length === 0
      ? Promise.resolve()
      : calls.call<unknown>((sftp, done) => {
          sftp.write(handle, bufferOver(data), 0, data.length, offset, done)
        })
  return {
    user: session.user,
    length: () => length,
    async read(offset, into) {
      const buffer = bufferOver(into)
      for (let at = 0; at < buffer.length;) {
        const bytes = await readSome(calls, handle, buffer.subarray(at), offset + at)
        if (bytes === 0) {
          buffer.fill(0, at)
          return
        }
        at += bytes
      }
    },
    async write(offset, data) {
      await write(offset, data).catch(failQuietly)
      length = Math.max(length, offset + data.length)
    },
    async grow(bytes) {
      await write(bytes - 1, new Uint8Array(1)).catch((error: unknown) => {
        throw told('Failed to grow file', error)
      })
      length = bytes
    },
    flush() {
      return calls
        .call<boolean>((sftp, done) => {
          try {
            sftp.ext_openssh_fsync(handle, (error) => {
              done(error ?? undefined, true)
            })
          } catch {
            // It was not among what the server said it can do, so nothing was sent.
            done(undefined, false)
          }
        })
        .catch(failQuietly)
    },
    async close() {
      await calls
        .call<unknown>((sftp, done) => {
          sftp.close(handle, done)
        })
        .catch(() => undefined)
      session.close()
    },
  }
}

/** @returns how many bytes there were; 0 at the end of the file. */
function readSome(calls: Calls, handle: Buffer, into: Buffer, offset: number): Promise<number> {
  return calls
    .call<number>((sftp, done) => {
      sftp.read(handle, into, 0, into.length, offset, done)
    })
    .catch((error: unknown) => {
      if (codeOf(error) === END_OF_FILE) return 0
      return failQuietly(error)
    })
}

function bufferOver({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

type Done<T> = (error?: Error | null, value?: T) => void

/** Requests of the protocol as promises, which fail when the server is gone. */
class Calls {
  readonly #sftp: SFTPWrapper
  readonly #pending = new Set<(error: Error) => void>()
  #lost = false

  constructor(session: Session) {
    this.#sftp = session.sftp
    session.onLost(() => {
      this.#lost = true
      for (const fail of this.#pending) fail(new Error('disconnected'))
      this.#pending.clear()
    })
  }

  call<T>(request: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#lost) {
        reject(new Error('disconnected'))
        return
      }
      this.#pending.add(reject)
      request(this.#sftp, (error, value) => {
        this.#pending.delete(reject)
        if (error === undefined || error === null) resolve(value as T)
        else reject(error)
      })
    })
  }
}

/** The number of a server's answer; nothing where it gave none. */
function codeOf(error: unknown): number | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'number' ? code : undefined
}

function told(context: string, error: unknown): BlockError {
  const code = codeOf(error)
  const text = error instanceof Error ? error.message : ''
  return new BlockError(
    code === undefined
      ? `${context}: Socket error: ${text} (libssh error code: 2, sftp error code: 7)`
      : `${context}: SFTP server: ${text} (libssh error code: 1, sftp error code: ${String(code)})`,
    { errno: 'EIO' },
  )
}

/** Of a request only the errno is told, and that is always the same. */
function failQuietly(_error: unknown): never {
  throw ioError('EIO')
}
