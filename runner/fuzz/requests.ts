/** Single requests on a device, and what they tell in words that can be compared. */
import { checkExtents, showStatus } from '../content.ts'
import type { Device } from '../device.ts'
import type { OpResult } from './record.ts'
import type { IoOp } from './step.ts'

const SPAN = {
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
const EDGE = 65_536

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
      return showStatus(await device.status(op.offset, op.bytes), op.offset)
    case 'read':
      return contentWords(part(device, op.offset, op.bytes))
  }
}

/** A range of a device as a device of its own, read at once. */
function part(device: Device, offset: number, bytes: number): Device {
  return { ...device, size: bytes, read: (at, length) => device.read(offset + at, length) }
}

/** Runs of bytes; of what is large only both ends. */
export async function contentWords(device: Device): Promise<readonly string[]> {
  const look = async (piece: Device): Promise<readonly string[]> =>
    (await checkExtents(piece, [], SPAN, noFiles)).words
  if (device.size <= WHOLE) return look(device)
  const start = await look(part(device, 0, EDGE))
  const end = await look(part(device, device.size - EDGE, EDGE))
  return [`${String(device.size)} bytes:`, ...start, '...', ...end]
}
