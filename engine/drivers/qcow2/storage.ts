/** The node below as the format uses it, and the two ways in which small structures are written. */
import type { BlockIo, DebugEvent, InstanceInfo } from '../../block/driver.ts'
import type { MaybePromise } from '../../util/async.ts'
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
