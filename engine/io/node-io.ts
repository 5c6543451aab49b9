/**
 * A request's way through one node: bounds, overlap, alignment, splitting, fallbacks; then the
 * driver. What completes at once never becomes a promise.
 */
import type { BlockIo, BlockStatus, RequestFlags, StatusQuery } from '../block/driver.ts'
import type { NodeIo } from '../graph/environment.ts'
import type { Node } from '../graph/node.ts'
import { alignDown, alignUp, isAligned } from '../util/align.ts'
import { always, andThen, isPromise, type MaybePromise } from '../util/async.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { MAX_LENGTH } from '../block/length.ts'
import { checkNotFrozen, discarded, writeAligned, zeroAligned } from './aligned.ts'
import { statusAbove } from './chain-status.ts'
import { copiedRange, readAndCopy } from './copy-on-read.ts'
import { discardRange } from './discard.ts'
import { flushNode } from './flush.ts'
import { writePadded, zeroPadded } from './padding.ts'
import { readPieces } from './pieces.ts'
import type { PathState } from './state.ts'
import { Tracker } from './tracker.ts'

const NO_FLAGS: RequestFlags = {}

export function createNodeIo(node: Node): NodeIo {
  const state: PathState = {
    node,
    tracker: new Tracker(),
    generation: 0,
    flushed: 0,
    flushing: undefined,
  }
  return {
    length: () => node.length(),
    read: (offset, into, flags = NO_FLAGS) => read(state, offset, into, flags),
    write: (offset, data, flags = NO_FLAGS) => write(state, offset, data, flags),
    zero: (offset, bytes, flags = NO_FLAGS) => zero(state, offset, bytes, flags),
    discard: (offset, bytes) => discard(state, offset, bytes),
    flush: () => counted(state, flushNode(state)),
    status: (offset, bytes, query) => status(state, offset, bytes, query),
    truncate: (bytes, options = {}) => truncate(state, bytes, options),
    statusAbove: (offset, bytes, base, query) => statusAbove(node, { offset, bytes }, base, query),
  }
}

function read(
  state: PathState,
  offset: number,
  into: Uint8Array,
  flags: RequestFlags,
): MaybePromise<void> {
  const end = offset + into.length
  checkRange(offset, into.length)
  const { requestAlignment } = state.node.limits()
  // Of requests without data, those at the start of a block reach the driver.
  if (into.length === 0 && !isAligned(offset, requestAlignment)) return
  const within = Math.max(0, Math.min(end, state.node.length()) - offset)
  if (within < into.length) into.fill(0, within)
  if (within === 0 && into.length > 0) return
  const inside = within < into.length ? into.subarray(0, within) : into
  // Even a read of nothing copies the cluster that it is in.
  if (flags.copyOnRead === true && offset < state.node.length()) {
    const { from, to } = copiedRange(state, offset, within)
    return inTurn(state, from, to, true, () => readAndCopy(state, offset, inside, flags))
  }
  if (!state.tracker.mustWait(offset, end)) {
    return counted(
      state,
      readPieces(state.node.instance, state.node.limits(), offset, inside, flags),
      offset,
      end,
    )
  }
  return inTurn(state, offset, end, false, () =>
    readPieces(state.node.instance, state.node.limits(), offset, inside, flags),
  )
}

function write(
  state: PathState,
  offset: number,
  data: Uint8Array,
  flags: RequestFlags,
): MaybePromise<void> {
  checkRange(offset, data.length)
  checkWritable(state.node)
  return change(state, offset, data.length, flags, {
    whole: () => writeAligned(state, offset, data, flags),
    padded: () => writePadded(state, offset, data, flags),
  })
}

function zero(
  state: PathState,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  checkRange(offset, bytes)
  checkWritable(state.node)
  if (bytes === 0) return
  const { requestAlignment } = state.node.limits()
  const whole = isAligned(offset, requestAlignment) && isAligned(bytes, requestAlignment)
  if (flags.noFallback === true && !whole) throw ioError('ENOTSUP')
  return change(state, offset, bytes, flags, {
    whole: () => zeroAligned(state, offset, bytes, flags),
    padded: () => zeroPadded(state, offset, bytes, flags),
  })
}

/** A write of any kind, in its turn: whole blocks as they are, others with what is around them. */
function change(
  state: PathState,
  offset: number,
  bytes: number,
  { serialising = false }: RequestFlags,
  run: { readonly whole: () => MaybePromise<void>; readonly padded: () => MaybePromise<void> },
): MaybePromise<void> {
  const end = offset + bytes
  const { requestAlignment } = state.node.limits()
  const from = alignDown(offset, requestAlignment)
  const to = alignUp(end, requestAlignment)
  if (bytes === 0 && from !== offset) return
  // Nobody else may change the rest of the blocks between reading and writing it.
  if (from !== offset || to !== end) return inTurn(state, from, to, true, run.padded)
  if (serialising || state.tracker.mustWait(offset, end)) {
    return inTurn(state, offset, end, serialising, run.whole)
  }
  return counted(state, run.whole(), offset, end)
}

function discard(state: PathState, offset: number, bytes: number): MaybePromise<void> {
  checkRange(offset, bytes)
  checkWritable(state.node)
  const { node } = state
  if (!node.flags.discard || node.instance.discard === undefined) return
  const end = offset + bytes
  const work = (): MaybePromise<void> =>
    discarded(state, offset, bytes, () => discardRange(node.instance, node.limits(), offset, bytes))
  if (!state.tracker.mustWait(offset, end)) return counted(state, work(), offset, end)
  return inTurn(state, offset, end, false, work)
}

function status(
  state: PathState,
  offset: number,
  bytes: number,
  query?: StatusQuery,
): MaybePromise<BlockStatus> {
  const length = state.node.length()
  if (offset >= length) return { bytes, allocated: false, data: false, zero: true, eof: true }
  const asked = Math.min(bytes, length - offset)
  const { instance } = state.node
  const found = instance.status?.(offset, asked, query) ?? {
    bytes: asked,
    allocated: true,
    data: true,
    zero: false,
  }
  const clip = (run: BlockStatus): BlockStatus => {
    const clipped = Math.min(run.bytes, asked)
    const zero = run.zero || (!run.allocated && isBeyondBacking(state.node, offset))
    return { ...run, zero, bytes: clipped, eof: offset + clipped >= length }
  }
  return isPromise(found) ? counted(state, found.then(clip), offset, offset + asked) : clip(found)
}

/**
 * What a node does not have, and what nothing can show through it, reads as zeroes. Of an image that
 * is out of use nobody knows where it ends.
 */
function isBeyondBacking({ driver, cowChild }: Node, offset: number): boolean {
  if (cowChild !== undefined) return !cowChild.outOfUse && offset >= cowChild.length()
  return Object.values(driver.children).some(({ role }) => role.cow === true)
}

function truncate(
  state: PathState,
  bytes: number,
  options: Parameters<BlockIo['truncate']>[1] & object,
): MaybePromise<void> {
  const { node } = state
  const whole = options.whole ?? BigInt(bytes)
  if (whole > MAX_LENGTH) {
    throw new BlockError(
      `offset(${String(whole)}) exceeds maximum(${String(BigInt(MAX_LENGTH))})`,
      {
        errno: 'EFBIG',
      },
    )
  }
  if (node.flags.readOnly) throw new BlockError('Image is read-only', { errno: 'EACCES' })
  const { instance } = node
  if (instance.truncate === undefined) {
    throw new BlockError('Image format driver does not support resize', { errno: 'ENOTSUP' })
  }
  const from = Math.min(bytes, node.length())
  const to = Math.max(bytes, node.length())
  return inTurn(state, from, to, true, async () => {
    checkTruncatable(node)
    await instance.truncate?.(bytes, options)
    // What was refused leaves nothing to flush.
    state.generation++
    node.refreshLength()
  })
}

function checkTruncatable({ observers }: Node): void {
  try {
    checkNotFrozen(observers)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.prepend('Failed to prepare request for truncation', error)
  }
}

/** Counts a request that is already running for as long as it runs. */
function counted<T>(
  state: PathState,
  result: MaybePromise<T>,
  offset = 0,
  end = 0,
): MaybePromise<T> {
  if (!isPromise(result)) return result
  const { activity } = state.node
  const tracked = state.tracker.begin(offset, end, false)
  activity.begin()
  return always(result, () => {
    state.tracker.end(tracked)
    activity.end()
  })
}

/** Runs `work` when no earlier request stands in its way. */
function inTurn<T>(
  state: PathState,
  offset: number,
  end: number,
  serialising: boolean,
  work: () => MaybePromise<T>,
): MaybePromise<T> {
  const { activity } = state.node
  activity.begin()
  const tracked = state.tracker.begin(offset, end, serialising)
  const over = (): void => {
    state.tracker.end(tracked)
    activity.end()
  }
  let done: MaybePromise<T>
  try {
    done = andThen(state.tracker.turn(tracked), work)
  } catch (error) {
    over()
    throw error
  }
  if (isPromise(done)) return always(done, over)
  over()
  return done
}

function checkRange(offset: number, bytes: number): void {
  if (offset < 0 || !Number.isSafeInteger(offset + bytes)) throw ioError('EIO')
}

function checkWritable(node: Node): void {
  if (node.flags.readOnly) throw ioError('EPERM')
}
