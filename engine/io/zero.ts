/** Zeroing: by the driver where it can, else by writing zeroes. */
import type { Instance, Limits, NodeFlags, RequestFlags } from '../block/driver.ts'
import { alignDown, alignUp } from '../util/align.ts'
import { isPromise, type MaybePromise } from '../util/async.ts'
import { isZero } from '../util/bytes.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { pieceBytes, writePieces } from './pieces.ts'

/** Largest buffer of zeroes that a fallback writes at once. */
const BOUNCE_BYTES = 1024 * 1024

/** What zeroing needs to know of a node. */
export interface Zeroing {
  readonly instance: Instance
  readonly limits: Limits
  readonly detectZeroes: NodeFlags['detectZeroes']
}

export function zeroRange(
  about: Zeroing,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  const { requestAlignment } = about.limits
  const whole = offset % requestAlignment === 0 && bytes % requestAlignment === 0
  if (whole) return zeroBlocks(about, offset, bytes, flags)
  return zeroWithEdges(about, offset, bytes, flags)
}

/**
 * Writes zeroes that begin or end inside a block. Together with what is stored around them they
 * may make up blocks of zeroes, and are then stored as such where the node looks for that.
 */
export async function writeDetectedZeroes(
  about: Zeroing,
  offset: number,
  data: Uint8Array,
  flags: RequestFlags,
): Promise<void> {
  const { instance, limits } = about
  const end = offset + data.length
  const from = alignDown(offset, limits.requestAlignment)
  const to = alignUp(end, limits.requestAlignment)
  const edgesZero =
    (await isStoredZero(instance, limits, from, offset)) &&
    (await isStoredZero(instance, limits, end, to))
  if (edgesZero) await zeroBlocks(about, from, to - from, detectedFlags(about, flags))
  else await writePieces(instance, limits, offset, data, flags)
}

/** Whether part of one block, up to its start or end, is all zeroes. */
async function isStoredZero(
  instance: Instance,
  { requestAlignment }: Limits,
  from: number,
  to: number,
): Promise<boolean> {
  if (from === to) return true
  const start = alignDown(from, requestAlignment)
  const block = new Uint8Array(requestAlignment)
  await instance.read(start, block, {})
  return isZero(block.subarray(from - start, to - start))
}

export function detectedFlags({ detectZeroes }: Zeroing, flags: RequestFlags): RequestFlags {
  return { ...flags, mayUnmap: flags.mayUnmap === true || detectZeroes === 'unmap' }
}

async function zeroWithEdges(
  about: Zeroing,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): Promise<void> {
  const { requestAlignment } = about.limits
  const end = offset + bytes
  const from = Math.min(alignUp(offset, requestAlignment), end)
  const to = Math.max(alignDown(end, requestAlignment), from)
  if (offset < from) await zeroEdge(about, offset, from, flags)
  if (from < to) await zeroBlocks(about, from, to - from, flags)
  if (to < end) await zeroEdge(about, to, end, flags)
}

/** Zeroes part of one block. */
async function zeroEdge(
  about: Zeroing,
  from: number,
  to: number,
  flags: RequestFlags,
): Promise<void> {
  const { requestAlignment } = about.limits
  const start = alignDown(from, requestAlignment)
  const block = new Uint8Array(requestAlignment)
  await about.instance.read(start, block, {})
  block.fill(0, from - start, to - start)
  if (about.detectZeroes !== 'off' && isZero(block)) {
    await zeroBlocks(about, start, block.length, detectedFlags(about, flags))
  } else {
    const { mayUnmap: _, ...write } = flags
    await about.instance.write(start, block, write)
  }
}

/** Zeroes whole blocks. */
function zeroBlocks(
  about: Zeroing,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  const { zeroAlignment, maxZero } = about.limits
  const aligned = offset % zeroAlignment === 0 && bytes % zeroAlignment === 0
  if (aligned && (maxZero === 0 || bytes <= maxZero)) {
    return zeroOrWrite(about, offset, bytes, flags)
  }
  return zeroInPieces(about, offset, bytes, flags)
}

async function zeroInPieces(
  about: Zeroing,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): Promise<void> {
  const { zeroAlignment, maxZero } = about.limits
  const end = offset + bytes
  const step = pieceBytes(maxZero, zeroAlignment)
  for (let at = offset; at < end;) {
    const edge = at % zeroAlignment !== 0 || end - at < zeroAlignment
    const room = edge
      ? Math.min(end, alignUp(at + 1, zeroAlignment)) - at
      : alignDown(end - at, zeroAlignment)
    const part = Math.min(room, step)
    if (edge) await writeZeroes(about, at, part, flags)
    else await zeroOrWrite(about, at, part, flags)
    at += part
  }
}

function zeroOrWrite(
  about: Zeroing,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): MaybePromise<void> {
  const { instance } = about
  if (instance.zero === undefined) return writeZeroes(about, offset, bytes, flags)
  const fallBack = (error: unknown): MaybePromise<void> => {
    if (!(error instanceof BlockError) || error.errno !== 'ENOTSUP') throw error
    return writeZeroes(about, offset, bytes, flags)
  }
  try {
    const done = instance.zero(offset, bytes, flags)
    return isPromise(done) ? done.catch(fallBack) : done
  } catch (error) {
    return fallBack(error)
  }
}

async function writeZeroes(
  { instance, limits }: Zeroing,
  offset: number,
  bytes: number,
  flags: RequestFlags,
): Promise<void> {
  if (flags.noFallback === true) throw ioError('ENOTSUP')
  const { mayUnmap: _, ...write } = flags
  for (let done = 0; done < bytes; done += BOUNCE_BYTES) {
    const zeroes = new Uint8Array(Math.min(BOUNCE_BYTES, bytes - done))
    await writePieces(instance, limits, offset + done, zeroes, write)
  }
}
