/** The node below as the format uses it, and the two ways in which small structures are written. */
import type { BlockIo, Child, DebugEvent, InstanceInfo } from '../../block/driver.ts'
import type { MaybePromise } from '../../util/async.ts'
import { ioError } from '../../util/errors.ts'
import { wait, type Routine } from '../../util/routine.ts'

/** A child, or what `blockdev-create` writes to. */
export interface Storage extends BlockIo {
  debugEvent(event: DebugEvent): MaybePromise<void>
  info?(): InstanceInfo
}

export function plainStorage(file: BlockIo): Storage {
  return {
    length: () => file.length(),
    read: (offset, into, flags) => file.read(offset, into, flags),
    write: (offset, data, flags) => file.write(offset, data, flags),
    zero: (offset, bytes, flags) => file.zero(offset, bytes, flags),
    discard: (offset, bytes) => file.discard(offset, bytes),
    flush: () => file.flush(),
    status: (offset, bytes) => file.status(offset, bytes),
    truncate: (bytes, options) => file.truncate(bytes, options),
    debugEvent: () => undefined,
  }
}

/**
 * The node below, where offsets of damaged images that no number keeps exactly are past the end:
 * there, reads find zeroes.
 */
export function tolerant(file: Child): Storage {
  return {
    length: () => file.length(),
    read: (offset, into, flags) => {
      if (Number.isSafeInteger(offset + into.length)) return file.read(offset, into, flags)
      if (offset + into.length >= 2 ** 63) throw ioError('EIO')
      into.fill(0)
    },
    write: (offset, data, flags) => file.write(offset, data, flags),
    zero: (offset, bytes, flags) => file.zero(offset, bytes, flags),
    discard: (offset, bytes) => file.discard(offset, bytes),
    flush: () => file.flush(),
    status: (offset, bytes) => file.status(offset, bytes),
    truncate: (bytes, options) => file.truncate(bytes, options),
    debugEvent: (event) => file.debugEvent(event),
    info: () => file.info(),
  }
}

/** Writes and makes stable: what was written before must not come after it. */
export function* writeStable(file: Storage, offset: number, data: Uint8Array): Routine<void> {
  yield* wait(file.write(offset, data))
  yield* wait(file.flush())
}

/** Tells the node below what comes next, and stops where it has a breakpoint. */
export function* reach(file: Storage, event: DebugEvent): Routine<void> {
  const stop = file.debugEvent(event)
  if (stop !== undefined) yield stop
}
