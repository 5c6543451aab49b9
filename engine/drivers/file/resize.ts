/** Resizing a file, with the ways of setting storage aside for what is new. */
import type { TruncateOptions } from '../../block/driver.ts'
import { SECTOR_BYTES } from '../../block/length.ts'
import type { HostFile } from '../../host/host.ts'
import type { MaybePromise } from '../../util/async.ts'
import { BlockError, errnoText } from '../../util/errors.ts'

type Preallocation = NonNullable<TruncateOptions['preallocation']>

const PAGE_BYTES = 4096

/** Zeroes that are written at once. */
const WRITE_BYTES = 64 * 1024

export function resizeFile(
  file: HostFile,
  bytes: number,
  preallocation: Preallocation,
): MaybePromise<void> {
  if (!Number.isSafeInteger(bytes)) {
    const what = preallocation === 'falloc' ? 'preallocate new data' : 'resize file'
    throw BlockError.system(`Could not ${what}`, 'EFBIG')
  }
  const old = file.length()
  if (preallocation !== 'off' && bytes < old) {
    throw shrinkingWithStorage()
  }
  switch (preallocation) {
    case 'off':
      saying('Could not resize file', () => {
        file.truncate(bytes)
      })
      if (old === 0 && bytes > 0) return storeFirstBlock(file, bytes)
      return
    case 'falloc':
      if (bytes > old) allocate(file, old, bytes)
      return
    case 'full':
      return fill(file, old, bytes)
    case 'metadata':
      throw new BlockError(`Unsupported preallocation mode: ${preallocation}`, { errno: 'ENOTSUP' })
  }
}

/** As 7.2 has it, so that nobody has to find out what blocks an empty file has. */
function storeFirstBlock(file: HostFile, bytes: number): MaybePromise<void> {
  return file.write(0, new Uint8Array(bytes < PAGE_BYTES ? SECTOR_BYTES : PAGE_BYTES))
}

function allocate(file: HostFile, old: number, bytes: number): void {
  saying('Could not preallocate new data', () => {
    try {
      file.allocate(old, bytes - old)
    } catch (error) {
      // The system may have made the file longer before it ran out of space.
      if (file.length() !== old) file.truncate(old)
      throw error
    }
  })
}

async function fill(file: HostFile, old: number, bytes: number): Promise<void> {
  saying('Could not resize file', () => {
    file.truncate(bytes)
  })
  try {
    const zeroes = new Uint8Array(Math.min(WRITE_BYTES, bytes - old))
    for (let at = old; at < bytes; at += zeroes.length) {
      await file.write(at, zeroes.subarray(0, bytes - at))
    }
    await file.flush()
  } catch (error) {
    file.truncate(old)
    throw described('Could not write zeros for preallocation', error)
  }
}

function saying(context: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw described(context, error)
  }
}

function described(context: string, error: unknown): unknown {
  if (!(error instanceof BlockError)) return error
  return new BlockError(`${context}: ${errnoText(error.errno)}`, {
    errno: error.errno,
    cause: error,
  })
}

export function shrinkingWithStorage(): BlockError {
  return new BlockError('Cannot use preallocation for shrinking files', { errno: 'ENOTSUP' })
}
