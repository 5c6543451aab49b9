/** `raw`: a format without structure, all of its child or a window of it. */
import {
  defineDriver,
  infoBelow,
  type Child,
  type Instance,
  type Services,
} from '../block/driver.ts'
import { SIZE_OPTION } from '../block/image-options.ts'
import { SECTOR_BYTES } from '../block/length.ts'
import { opt } from '../block/option.ts'
import { RESIZE } from '../block/permission.ts'
import { andThen } from '../util/async.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { assert } from '../util/assert.ts'
import { checkNotNegative } from './size.ts'

/** The largest end of a window that can be told at all. */
const LAST_END = 2n ** 63n - 1n

export const raw = defineDriver({
  name: 'raw',
  kind: 'format',
  imageOptions: [SIZE_OPTION],
  imageIsFile: true,
  doc: 'Shows a node as it is, or a part of it.',
  options: {
    offset: opt.int({
      optional: true,
      bytes: true,
      doc: 'Where the window starts in the file, in bytes.',
    }),
    size: opt.int({
      optional: true,
      bytes: true,
      doc: 'Length of the window, a multiple of 512 bytes.',
    }),
  },
  children: {
    file: {
      doc: 'The node that holds the data.',
      role: { data: true, primary: true },
      // Reopening with another window leaves it as it is.
      roleFor: ({ offset = 0, size }) => ({
        data: true,
        primary: true,
        part: offset !== 0 || size !== undefined,
      }),
    },
  },
  strongOptions: ['offset', 'size'],
  // Anything may be a raw image, but whatever else it may be comes first.
  probe: () => 1,
  // A window would be cut off by whoever shrinks the file.
  claims: ({ above, role }) =>
    role.part === true ? { uses: above.uses, shares: above.shares & ~RESIZE } : above,
  forwardsBitmaps: ({ offset = 0, size }) => offset === 0 && size === undefined,
  reopenable: ['offset', 'size'],
  // Before the file is looked for.
  check({ options }) {
    readWindow(options)
  },
  open({ options, children, node, services, guess }) {
    const file = children.get('file')
    assert(file !== undefined, 'raw opens with its child attached')
    if (guess !== undefined && !node.flags.readOnly) warn(file.filename(), services)
    return instanceOf(file, options, guess)
  },
})

interface WindowOptions {
  readonly offset: number | undefined
  readonly size: number | undefined
}

interface Window {
  readonly start: number
  /** Absent: to the end of the file. */
  readonly size: number | undefined
}

function readWindow({ offset, size }: WindowOptions): Window {
  return {
    start: checkNotNegative('offset', offset) ?? 0,
    size: checkNotNegative('size', size),
  }
}

function checkWindow(options: WindowOptions, file: Child): Window {
  const { start, size } = readWindow(options)
  const available = lengthOf(file)
  if (start > available) {
    throw new BlockError(
      `Offset (${String(start)}) cannot be greater than size of the containing file ` +
        `(${String(available)})`,
    )
  }
  if (size === undefined) return { start, size }
  if (size > available - start) {
    // The two blanks are QEMU's.
    throw new BlockError(
      `The sum of offset (${String(start)}) and size (${String(size)}) has to be smaller or ` +
        `equal to the  actual size of the containing file (${String(available)})`,
    )
  }
  if (size % SECTOR_BYTES !== 0) throw new BlockError('Specified size is not multiple of 512')
  return { start, size }
}

function lengthOf(file: Child): number {
  try {
    return file.length()
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.system('Could not get image size', error.errno)
  }
}

function warn(filename: string, services: Services): void {
  const lines = [
    `WARNING: Image format was not specified for '${filename}' and probing guessed raw.`,
    '         Automatically detecting the format is dangerous for raw images, write operations ' +
      'on block 0 will be restricted.',
    "         Specify the 'raw' format explicitly to remove the restrictions.",
  ]
  services.log(lines.join('\n'), 'bare')
}

/** Flushing goes the usual way, by steps, of which the file hears. */
function instanceOf(
  file: Child,
  options: WindowOptions,
  guess: ((head: Uint8Array) => string) | undefined,
): Instance {
  let window = checkWindow(options, file)
  const place = (offset: number, bytes: number, beyond: 'EINVAL' | 'ENOSPC'): number => {
    if (window.size !== undefined && offset + bytes > window.size) throw ioError(beyond)
    return window.start + offset
  }
  return {
    length() {
      const available = Math.max(0, file.length() - window.start)
      if (window.size === undefined) return available
      // A window that was cut off stays so when its file grows again.
      if (available < window.size) window = { ...window, size: available }
      return window.size ?? available
    },
    liveLength: true,
    read(offset, into, flags) {
      const at = place(offset, into.length, 'EINVAL')
      return andThen(file.debugEvent('read_aio'), () => file.read(at, into, flags))
    },
    write(offset, data, flags) {
      const at = place(offset, data.length, 'ENOSPC')
      // A guest must not turn an image whose format nobody named into one of another format.
      const turns = guess !== undefined && offset === 0 && guess(data.subarray(0, SECTOR_BYTES))
      if (turns !== false && turns !== 'raw') throw ioError('EPERM')
      return andThen(file.debugEvent('write_aio'), () => file.write(at, data, flags))
    },
    zero: (offset, bytes, flags) => file.zero(place(offset, bytes, 'ENOSPC'), bytes, flags),
    discard: (offset, bytes) => file.discard(place(offset, bytes, 'ENOSPC'), bytes),
    status: (offset, bytes, query) => file.status(window.start + offset, bytes, query),
    truncate(bytes, how) {
      if (window.size !== undefined) {
        throw new BlockError('Cannot resize fixed-size raw disks', { errno: 'ENOTSUP' })
      }
      const whole = BigInt(window.start) + (how.whole ?? BigInt(bytes))
      if (whole > LAST_END) {
        throw new BlockError('Disk size too large for the chosen offset', { errno: 'EINVAL' })
      }
      return file.truncate(Number(whole), { ...how, whole })
    },
    // Then every write to the first sector is one of all of it.
    limits: () => (guess === undefined ? {} : { requestAlignment: SECTOR_BYTES }),
    info: () => infoBelow(file),
    get supports() {
      const fua = file.supportsFua()
      const unmapZero = file.supportsUnmapZero()
      return { fua, unchanged: true, unmapZero, fastZero: file.supportsFastZero() }
    },
    reopen({ options: restated }) {
      // The options were checked against this very declaration.
      const next = checkWindow(restated as unknown as WindowOptions, file)
      return {
        commit() {
          window = next
        },
      }
    },
  }
}
