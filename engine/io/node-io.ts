/**
 * A request's way through one node: bounds, overlap, alignment, splitting, fallbacks; then the
 * driver. What completes at once never becomes a promise.
 */
import type { BlockIo, BlockStatus, RequestFlags } from '../block/driver.ts'
import type { NodeIo } from '../graph/environment.ts'
import type { Node } from '../graph/node.ts'
import { alignDown, alignUp, isAligned } from '../util/align.ts'
import { always, isPromise, type MaybePromise } from '../util/async.ts'
import { isZero } from '../util/bytes.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { MAX_LENGTH } from '../block/length.ts'
import { statusAbove } from './chain-status.ts'
import { discardRange } from './discard.ts'
import { flushNode } from './flush.ts'
import { readPieces, writePieces } from './pieces.ts'
import { Tracker } from './tracker.ts'
import { detectedFlags, writeDetectedZeroes, zeroRange, type Zeroing } from './zero.ts'

const NO_FLAGS: RequestFlags = {}

/** What the steps of a request share. */
export interface PathState {
  readonly node: Node
  readonly tracker: Tracker
}

export function createNodeIo(node: Node): NodeIo {
  const state: PathState = { node, tracker: new Tracker() }
  return {
    length: () => node.length(),
    read: (offset, into, flags = NO_FLAGS) => read(state, offset, into, flags),
    write: (offset, data, flags = NO_FLAGS) => write(state, offset, data, flags),
    zero: (offset, bytes, flags = NO_FLAGS) => zero(state, offset, bytes, flags),
    discard: (offset, bytes) => discard(state, offset, bytes),
    flush: () => counted(state, flushNode(node)),
    status: (offset, bytes) => status(state, offset, bytes),
    truncate: (bytes, options = {}) => truncate(state, bytes, options),
    statusAbove: (offset, bytes, base) => statusAbove(node, offset, bytes, base),
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
  if (into.length === 0) return
  const within = Math.max(0, Math.min(end, state.node.length()) - offset)
  if (within < into.length) into.fill(0, within)
  if (within === 0) return
  const inside = within < into.length ? into.subarray(0, within) : into
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
  const about = zeroing(state)
  const { instance, limits } = about
  if (about.detectZeroes === 'off' || !isZero(data)) {
    return change(state, offset, data.length, flags, (own) =>
      writePieces(instance, limits, offset, data, own),
    )
  }
  const { requestAlignment } = limits
  if (isAligned(offset, requestAlignment) && isAligned(data.length, requestAlignment)) {
    return zero(state, offset, data.length, detectedFlags(about, flags))
  }
  return change(state, offset, data.length, flags, (own) =>
    writeDetectedZeroes(about, offset, data, own),
  )
}

function zero(
  state: PathState,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  checkRange(offset, bytes)
  checkWritable(state.node)
  return change(state, offset, bytes, flags, (own) => zeroRange(zeroing(state), offset, bytes, own))
}

function zeroing(state: PathState): Zeroing {
  const { instance, flags } = state.node
  return { instance, limits: state.node.limits(), detectZeroes: flags.detectZeroes }
}

/** A write of any kind: its turn, the write itself, stable storage where asked for. */
function change(
  state: PathState,
  offset: number,
  bytes: number,
  flags: RequestFlags,
  run: (flags: RequestFlags) => MaybePromise<void>,
): MaybePromise<void> {
  if (bytes === 0) return flags.fua === true ? counted(state, flushNode(state.node)) : undefined
  const end = offset + bytes
  const { requestAlignment } = state.node.limits()
  const from = alignDown(offset, requestAlignment)
  const to = alignUp(end, requestAlignment)
  const native = state.node.instance.supports?.fua === true
  const own = flags.fua === true && !native ? { ...flags, fua: false } : flags
  const work = (): MaybePromise<void> => {
    const written = observed(state.node, offset, bytes, () => run(own))
    const finish = (): MaybePromise<void> => {
      noteWrite(state.node, to)
      return flags.fua === true && !native ? flushNode(state.node) : undefined
    }
    return isPromise(written) ? written.then(finish) : finish()
  }
  // An unaligned write reads its edges first; nobody else may change them in between.
  const whole = from === offset && to === end
  if (whole && !state.tracker.mustWait(offset, end)) return counted(state, work(), offset, end)
  return inTurn(state, from, to, !whole, work)
}

function discard(state: PathState, offset: number, bytes: number): MaybePromise<void> {
  checkRange(offset, bytes)
  checkWritable(state.node)
  const { node } = state
  if (bytes === 0 || !node.flags.discard || node.instance.discard === undefined) return
  const end = offset + bytes
  const work = () =>
    observed(node, offset, bytes, () => discardRange(node.instance, node.limits(), offset, bytes))
  if (!state.tracker.mustWait(offset, end)) return counted(state, work(), offset, end)
  return inTurn(state, offset, end, false, work)
}

function status(state: PathState, offset: number, bytes: number): MaybePromise<BlockStatus> {
  const length = state.node.length()
  if (offset >= length) return { bytes, allocated: false, data: false, zero: true, eof: true }
  const asked = Math.min(bytes, length - offset)
  const { instance } = state.node
  const found = instance.status?.(offset, asked) ?? {
    bytes: asked,
    allocated: true,
    data: true,
    zero: false,
  }
  const clip = (run: BlockStatus): BlockStatus => {
    const clipped = Math.min(run.bytes, asked)
    return { ...run, bytes: clipped, eof: offset + clipped >= length }
  }
  return isPromise(found) ? counted(state, found.then(clip), offset, offset + asked) : clip(found)
}

function truncate(
  state: PathState,
  bytes: number,
  options: Parameters<BlockIo['truncate']>[1] & object,
): MaybePromise<void> {
  const { node } = state
  if (node.flags.readOnly) throw new BlockError('Image is read-only', { errno: 'EACCES' })
  if (bytes > MAX_LENGTH) {
    throw new BlockError(`offset(${String(BigInt(bytes))}) exceeds maximum(9223372035781033984)`, {
      errno: 'EFBIG',
    })
  }
  const { instance } = node
  if (instance.truncate === undefined) {
    throw new BlockError('Image format driver does not support resize', { errno: 'ENOTSUP' })
  }
  const from = Math.min(bytes, node.length())
  const to = Math.max(bytes, node.length())
  return inTurn(state, from, to, true, async () => {
    await instance.truncate?.(bytes, options)
    node.refreshLength()
  })
}

/** Tells whoever watches the node before and after a change, also of one that failed. */
function observed(
  node: Node,
  offset: number,
  bytes: number,
  run: () => MaybePromise<void>,
): MaybePromise<void> {
  const { observers } = node
  if (observers.size === 0) return run()
  for (const observer of observers) observer.writing?.(offset, bytes)
  const tell = (): void => {
    for (const observer of observers) observer.wrote?.(offset, bytes)
  }
  let running: MaybePromise<void>
  try {
    running = run()
  } catch (error) {
    tell()
    throw error
  }
  if (isPromise(running)) return always(running, tell)
  tell()
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
async function inTurn<T>(
  state: PathState,
  offset: number,
  end: number,
  serialising: boolean,
  work: () => MaybePromise<T>,
): Promise<T> {
  const { activity } = state.node
  activity.begin()
  const tracked = state.tracker.begin(offset, end, serialising)
  try {
    await state.tracker.turn(tracked)
    return await work()
  } finally {
    state.tracker.end(tracked)
    activity.end()
  }
}

function checkRange(offset: number, bytes: number): void {
  if (offset < 0 || !Number.isSafeInteger(offset + bytes)) throw ioError('EIO')
}

function checkWritable(node: Node): void {
  if (node.flags.readOnly) throw ioError('EPERM')
}

function noteWrite(node: Node, end: number): void {
  node.writeHighestOffset = Math.max(node.writeHighestOffset, end)
  if (end > node.length()) node.grewTo(end)
}
