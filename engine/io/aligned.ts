/**
 * A change of whole blocks: the driver's part of it, with the events of a blkdebug node and what
 * is noted of the node afterwards.
 */
import type { DebugEvent, Instance, RequestFlags, WriteObserver } from '../block/driver.ts'
import { andFinally, andThen, type MaybePromise } from '../util/async.ts'
import { isZero } from '../util/bytes.ts'
import { ioError } from '../util/errors.ts'
import { flushNode } from './flush.ts'
import { writePieces } from './pieces.ts'
import type { PathState } from './state.ts'
import { zeroBlocks } from './zero.ts'

/** Writes whole blocks, or zeroes them where the node looks for zeroes and finds them. */
export function writeAligned(
  state: PathState,
  offset: number,
  data: Uint8Array,
  flags: RequestFlags,
): MaybePromise<void> {
  const { instance, flags: nodeFlags } = state.node
  if (nodeFlags.detectZeroes !== 'off' && isZero(data)) {
    const mayUnmap = flags.mayUnmap === true || nodeFlags.detectZeroes === 'unmap'
    return zeroAligned(state, offset, data.length, { ...flags, mayUnmap })
  }
  if (flags.compressed === true && !state.node.driver.takesCompressed) throw ioError('ENOTSUP')
  const event = flags.compressed === true ? undefined : 'pwritev'
  const own = ownFlags(instance, withoutUnmap(flags))
  return changeAligned(state, offset, data.length, event, () =>
    withFua(state, flags, () => writePieces(instance, state.node.limits(), offset, data, own)),
  )
}

/** Zeroes whole blocks. */
export function zeroAligned(
  state: PathState,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  const { instance } = state.node
  return changeAligned(state, offset, bytes, 'pwritev_zero', () =>
    withFua(state, flags, () =>
      zeroBlocks(instance, state.node.limits(), offset, bytes, ownFlags(instance, flags)),
    ),
  )
}

/** Runs a discard, of which observers hear; it neither grows the node nor counts as a write. */
export function discarded(
  state: PathState,
  offset: number,
  bytes: number,
  run: () => MaybePromise<void>,
): MaybePromise<void> {
  const { observers } = state.node
  checkNotFrozen(observers)
  for (const observer of observers) observer.writing?.(offset, bytes)
  return andFinally(run, () => {
    state.generation++
    for (const observer of observers) observer.wrote?.(offset, bytes)
  })
}

/**
 * Runs a change of the data between the words of those who watch the node: observers and, if it
 * has one, the driver's own ear for events.
 */
function changeAligned(
  state: PathState,
  offset: number,
  bytes: number,
  event: DebugEvent | undefined,
  run: () => MaybePromise<void>,
): MaybePromise<void> {
  const { instance, observers } = state.node
  checkNotFrozen(observers)
  for (const observer of observers) observer.writing?.(offset, bytes)
  const finish = (ok: boolean): void => {
    changed(state, offset, bytes, ok)
  }
  if (instance.debugEvent === undefined) return andFinally(run, finish)
  const heard = (): MaybePromise<void> =>
    event === undefined ? run() : andThen(instance.debugEvent?.(event), run)
  return andFinally(() => andFinally(heard, () => instance.debugEvent?.('pwritev_done')), finish)
}

/** @throws {BlockError} `EPERM` while somebody who must know of changes can note none. */
export function checkNotFrozen(observers: Iterable<WriteObserver>): void {
  for (const observer of observers) if (observer.readOnly === true) throw ioError('EPERM')
}

/** Notes a write or zeroing that is over. One that failed may have changed some of the data. */
function changed(state: PathState, offset: number, bytes: number, ok: boolean): void {
  const { node } = state
  state.generation++
  const end = offset + bytes
  if (ok && end > node.length()) node.grewTo(end)
  if (bytes === 0) return
  node.writeHighestOffset = Math.max(node.writeHighestOffset, end)
  for (const observer of node.observers) observer.wrote?.(offset, bytes)
}

/** Makes the change stable where the driver does not do that itself. */
function withFua(
  state: PathState,
  flags: RequestFlags,
  run: () => MaybePromise<void>,
): MaybePromise<void> {
  if (flags.fua !== true || state.node.instance.supports?.fua === true) return run()
  return andThen(run(), () => flushNode(state))
}

function ownFlags(instance: Instance, flags: RequestFlags): RequestFlags {
  return flags.fua === true && instance.supports?.fua !== true ? { ...flags, fua: false } : flags
}

function withoutUnmap(flags: RequestFlags): RequestFlags {
  if (flags.mayUnmap === undefined) return flags
  const { mayUnmap: _, ...others } = flags
  return others
}
