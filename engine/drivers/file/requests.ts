/** Requests on an open file. */
import type { BlockStatus, Instance } from '../../block/driver.ts'
import type { FileQueue } from '../../block/file-queue.ts'
import type { Extent, HostFile } from '../../host/host.ts'
import { alignUp } from '../../util/align.ts'
import { ioError } from '../../util/errors.ts'
import { resizeFile } from './resize.ts'

/**
 * @param current - The file that is open now; it may be opened anew for writing.
 * @param alignment - What requests on the node are multiples of.
 * @param queue - When what changes the file is done.
 */
export function fileRequests(
  current: () => HostFile,
  alignment: () => number,
  queue: FileQueue,
): Instance {
  const discards = { ok: 0, failed: 0, bytesOk: 0 }
  const extents = new Extents()
  return {
    length: () => current().length(),
    read: (offset, into) => current().read(offset, into),
    write: (offset, data) => queue.carryOut(() => current().write(offset, data)),
    zero: (offset, bytes, flags) =>
      queue.carryOut(() => {
        extents.forget()
        // Punching leaves a last, partial sector past the end alone, zeroing makes it part of the file.
        if (flags.mayUnmap === true && current().punchHole(offset, bytes)) return
        if (!current().zeroRange(offset, bytes)) throw ioError('ENOTSUP')
      }),
    discard: (offset, bytes) =>
      queue.carryOut(() => {
        extents.forget()
        if (!current().punchHole(offset, bytes)) {
          discards.failed++
          throw ioError('ENOTSUP')
        }
        discards.ok++
        discards.bytesOk += bytes
      }),
    stats: () => ({
      driver: 'file',
      'discard-nb-ok': discards.ok,
      'discard-nb-failed': discards.failed,
      'discard-bytes-ok': discards.bytesOk,
    }),
    flushToDisk: () => queue.carryOut(() => current().flush()),
    status: (offset, bytes, query) =>
      query?.allocationOnly === true
        ? allocated(extents, offset, bytes)
        : status(current(), { extents, alignment: alignment() }, offset, bytes),
    truncate: (bytes, { preallocation = 'off' }) => resizeFile(current(), bytes, preallocation),
    info: () => {
      const allocatedBytes = current().allocatedBytes()
      return {
        dirty: false,
        zeroInit: true,
        ...(allocatedBytes === undefined ? {} : { allocatedBytes }),
      }
    },
  }
}

/** All of a file is allocated; as with 7.2, data that are remembered end a run here too. */
function allocated(extents: Extents, offset: number, bytes: number): BlockStatus {
  const known = extents.known(offset)
  return {
    bytes: Math.min(bytes, known || bytes),
    allocated: true,
    data: true,
    zero: false,
    offset,
  }
}

/** A hole at the end goes on past it; data end with the last block that requests can reach. */
function status(
  opened: HostFile,
  { extents, alignment }: { readonly extents: Extents; readonly alignment: number },
  offset: number,
  bytes: number,
): BlockStatus {
  const known = extents.known(offset)
  if (known > 0)
    return { bytes: Math.min(bytes, known), allocated: true, data: true, zero: false, offset }
  const length = opened.length()
  if (offset >= length) return { bytes, allocated: true, data: false, zero: true, offset }
  const { data, bytes: run } = extents.look(opened, offset)
  const toEnd = offset + run >= length
  const alike = !toEnd ? run : data ? alignUp(run, alignment) : bytes
  return { bytes: Math.min(bytes, alike), allocated: true, data, zero: !data, offset }
}

/**
 * Remembers the data that were found last: some file systems go through all of them to find their
 * end, at each step of who goes through a disk. Holes are looked for anew, since anybody may fill them;
 * where others make one, or the file was shorter meanwhile, zeroes are read as data, as with 7.2.
 */
class Extents {
  #from = 0
  #to = 0

  look(opened: HostFile, offset: number): Extent {
    const found = opened.extent(offset)
    if (found.data) {
      this.#from = offset
      this.#to = offset + found.bytes
    }
    return found
  }

  /** How many bytes from `offset` on are remembered as data; 0 if none. */
  known(offset: number): number {
    return offset >= this.#from ? Math.max(0, this.#to - offset) : 0
  }

  forget(): void {
    this.#to = 0
  }
}
