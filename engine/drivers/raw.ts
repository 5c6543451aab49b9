/** `raw`: a format without structure, all of its child or a window of it. */
import { defineDriver, type Child, type Instance } from '../block/driver.ts'
import { opt } from '../block/option.ts'
import { RESIZE } from '../block/permission.ts'
import { andThen } from '../util/async.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { assert } from '../util/assert.ts'
import { checkNotNegative } from './size.ts'

export const raw = defineDriver({
  name: 'raw',
  kind: 'format',
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
    file: { doc: 'The node that holds the data.', role: { data: true, primary: true } },
  },
  strongOptions: ['offset', 'size'],
  // Anything may be a raw image, but whatever else it may be comes first.
  probe: () => 1,
  // A window would be cut off by whoever shrinks the file.
  claims: ({ above, options }) =>
    (options.offset ?? 0) === 0 && options.size === undefined
      ? above
      : { uses: above.uses, shares: above.shares & ~RESIZE },
  open({ options, children }) {
    const file = children.get('file')
    assert(file !== undefined, 'raw opens with its child attached')
    const offset = checkNotNegative('offset', options.offset) ?? 0
    const size = checkNotNegative('size', options.size)
    checkWindow(file.length(), offset, size)
    return requests(file, offset, size)
  },
})

function checkWindow(available: number, offset: number, size: number | undefined): void {
  if (offset > available) {
    throw new BlockError(
      `Offset (${String(offset)}) cannot be greater than size of the containing file ` +
        `(${String(available)})`,
    )
  }
  if (size === undefined) return
  if (size > available - offset) {
    // The two blanks are QEMU's.
    throw new BlockError(
      `The sum of offset (${String(offset)}) and size (${String(size)}) has to be smaller or ` +
        `equal to the  actual size of the containing file (${String(available)})`,
    )
  }
  if (size % 512 !== 0) throw new BlockError('Specified size is not multiple of 512')
}

/** Flushing goes the usual way, by steps, of which the file hears. */
function requests(file: Child, start: number, size: number | undefined): Instance {
  const place = (offset: number, bytes: number, beyond: 'EINVAL' | 'ENOSPC'): number => {
    if (size !== undefined && offset + bytes > size) throw ioError(beyond)
    return start + offset
  }
  return {
    length: () => size ?? Math.max(0, file.length() - start),
    liveLength: true,
    read(offset, into, flags) {
      const at = place(offset, into.length, 'EINVAL')
      return andThen(file.debugEvent('read_aio'), () => file.read(at, into, flags))
    },
    write(offset, data, flags) {
      const at = place(offset, data.length, 'ENOSPC')
      return andThen(file.debugEvent('write_aio'), () => file.write(at, data, flags))
    },
    zero: (offset, bytes, flags) => file.zero(place(offset, bytes, 'ENOSPC'), bytes, flags),
    discard: (offset, bytes) => file.discard(place(offset, bytes, 'ENOSPC'), bytes),
    status: (offset, bytes) => file.status(start + offset, bytes),
    truncate(bytes, options) {
      if (size !== undefined) {
        throw new BlockError('Cannot resize fixed-size raw disks', { errno: 'ENOTSUP' })
      }
      return file.truncate(start + bytes, options)
    },
    info: () => file.info(),
    supports: { fua: file.supportsFua(), unchanged: true },
  }
}
