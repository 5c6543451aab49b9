/** Single requests on a device, and what they tell in words that can be compared. */
import { checkExtents, showStatus } from '../content.ts'
import type { Device, StatusRun } from '../device.ts'
import type { OpResult } from './record.ts'
import type { IoOp } from './step.ts'

/** Steps that are drawn stand in no file. */
export const NOWHERE = {
  file: 'fuzz',
  start: 0,
  end: 0,
  line: 1,
  column: 1,
  endLine: 1,
  endColumn: 1,
}

/** Most of a node or file that is looked at from its start and from its end. */
const WHOLE = 4 * 2 ** 20
export const EDGE = 65_536

const noFiles = (): never => {
  throw new Error('patterns of fuzz steps name no files')
}

/** A node that cannot be reached at all. */
export function refusal(words: string): OpResult {
  return { kind: 'refused', text: words }
}

export function showResult(result: OpResult): string {
  if (result.kind === 'ok') return `ok ${result.words.join(' ')}`
  return result.kind === 'errno' ? result.errno : `refused: ${result.text}`
}

/** Does one request; returns what it told, in words. @throws {BlockError} */
export async function performOp(device: Device, op: IoOp): Promise<readonly string[]> {
  switch (op.verb) {
    case 'write':
      await device.write(op.offset, new Uint8Array(op.bytes).fill(op.byte), { fua: op.fua })
      return []
    case 'zero':
      await device.zero(op.offset, op.bytes, { unmap: op.unmap, fua: false, fast: false })
      return []
    case 'discard':
      await device.discard(op.offset, op.bytes)
      return []
    case 'flush':
      await device.flush()
      return []
    case 'map':
      return showStatus(await statusWithoutEmptyData(device, op.offset, op.bytes), op.offset)
    case 'read':
      return contentWords(part(device, op.offset, op.bytes))
  }
}

/** A range of a device as a device of its own, read at once. */
function part(device: Device, offset: number, bytes: number): Device {
  return { ...device, size: bytes, read: (at, into) => device.read(offset + at, into) }
}

/** Runs of bytes; of what is large only both ends. */
export async function contentWords(device: Device): Promise<readonly string[]> {
  const look = async (piece: Device): Promise<readonly string[]> =>
    (await checkExtents(piece, [], NOWHERE, noFiles)).words
  if (device.size <= WHOLE) return look(device)
  const start = await look(part(device, 0, EDGE))
  const end = await look(part(device, device.size - EDGE, EDGE))
  return [`${String(device.size)} bytes:`, ...start, '...', ...end]
}

/** Whether it shows an image file as it is, where what was made first decides what is where. */
export async function isImage(device: Device): Promise<boolean> {
  if (device.size < MAGIC.length) return false
  const magic = Buffer.alloc(MAGIC.length)
  await device.read(0, magic)
  return magic.equals(MAGIC)
}

const MAGIC = Buffer.from('QFI\xfb', 'latin1')

/** The content, where requests that were made side by side have come in some order. */
export async function wordsWithoutOrder(device: Device): Promise<readonly string[]> {
  return (await isImage(device))
    ? [`an image of ${String(device.size)} bytes`]
    : contentWords(device)
}

/** Bytes of data that are read to tell the status of a range. */
const MOST_READ = 8 * 2 ** 20
/** Smallest unit that a file system tells apart. */
const BLOCK = 4096
/** Read at a time. */
const CHUNK = 2 ** 20

/**
 * The status of a range, where data that is all zeroes counts as a hole: whether a file system keeps
 * a block of zeroes after a hole was punched near it depends on its page cache.
 */
async function statusWithoutEmptyData(
  device: Device,
  offset: number,
  bytes: number,
): Promise<readonly StatusRun[]> {
  const joined: StatusRun[] = []
  const add = (next: StatusRun): void => {
    const last = joined.at(-1)
    if (last?.hole === next.hole && last.zero === next.zero) {
      joined[joined.length - 1] = { ...last, bytes: last.bytes + next.bytes }
    } else joined.push(next)
  }
  let at = offset
  let read = 0
  for (const run of await device.status(offset, bytes)) {
    if (run.hole || run.zero || read + run.bytes > MOST_READ) add(run)
    else for (const piece of await dataPieces(device, at, run.bytes)) add(piece)
    at += run.bytes
    read += run.hole || run.zero ? 0 : run.bytes
  }
  return joined
}

async function dataPieces(device: Device, offset: number, bytes: number): Promise<StatusRun[]> {
  const pieces: StatusRun[] = []
  for (let at = offset; at < offset + bytes;) {
    const chunk = Math.min(CHUNK, offset + bytes - at)
    const data = new Uint8Array(chunk)
    await device.read(at, data)
    for (let from = 0; from < chunk;) {
      const to = Math.min(chunk, from + BLOCK - ((at + from) % BLOCK))
      const isEmpty = data.subarray(from, to).every((byte) => byte === 0)
      pieces.push({ bytes: to - from, hole: isEmpty, zero: isEmpty })
      from = to
    }
    at += chunk
  }
  return pieces
}
