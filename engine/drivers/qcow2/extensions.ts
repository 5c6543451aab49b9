/** What follows the header: typed extensions, of which unknown ones are kept. */
import { BlockError } from '../../util/errors.ts'
import { alignUp } from '../../util/align.ts'
import { be32, be64Number, struct } from '../../util/struct.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { EXTENSION, EXTENSION_TYPE } from './header.ts'
import type { Storage } from './storage.ts'

export interface Extension {
  readonly type: number
  readonly data: Uint8Array
}

/** Data of the extension about persistent bitmaps. */
export const BITMAPS_EXTENSION = struct(24, {
  count: be32(0),
  reserved: be32(4),
  directoryBytes: be64Number(8),
  directoryOffset: be64Number(16),
})

/** Longest backing format name, with its end. */
export const MAX_FORMAT_BYTES = 16
/** Most bitmaps of an image, and bytes of their directory. */
export const MAX_BITMAPS = 65535
export const MAX_DIRECTORY_BYTES = 65535 * 1024

/** All extensions in the order in which they lie, up to the end mark or `end`. */
export function* readExtensions(
  file: Storage,
  start: number,
  end: number,
): Routine<readonly Extension[]> {
  const found: Extension[] = []
  for (let at = start; at < end;) {
    const head = new Uint8Array(EXTENSION.size)
    yield* wait(file.read(at, head))
    const { type, bytes } = EXTENSION.decode(head)
    at += EXTENSION.size
    if (at > end || bytes > end - at) throw new BlockError('Header extension too large')
    if (type === EXTENSION_TYPE.end) break
    const data = new Uint8Array(bytes)
    yield* wait(file.read(at, data))
    found.push({ type, data })
    at += alignUp(bytes, 8)
  }
  return found
}

/** @throws {BlockError} if a known extension is damaged. */
export function backingFormatOf(extensions: readonly Extension[]): string | undefined {
  const extension = extensions.find(({ type }) => type === EXTENSION_TYPE.backingFormat)
  if (extension === undefined) return undefined
  const { length } = extension.data
  if (length >= MAX_FORMAT_BYTES) {
    throw new BlockError(
      `ERROR: ext_backing_format: len=${String(length)} too large (>=${String(MAX_FORMAT_BYTES)})`,
    )
  }
  const end = extension.data.indexOf(0)
  return new TextDecoder().decode(end === -1 ? extension.data : extension.data.subarray(0, end))
}

/** @throws {BlockError} if the description of the bitmaps cannot be. */
export function checkBitmaps({ data }: Extension, clusterBytes: number): void {
  if (data.length !== BITMAPS_EXTENSION.size) {
    throw new BlockError('bitmaps_ext: Invalid extension length')
  }
  const about = BITMAPS_EXTENSION.decode(data)
  if (about.reserved !== 0) throw new BlockError('bitmaps_ext: Reserved field is not zero')
  if (about.count > MAX_BITMAPS) {
    throw new BlockError(
      `bitmaps_ext: image has ${String(about.count)} bitmaps, exceeding the QEMU supported ` +
        `maximum of ${String(MAX_BITMAPS)}`,
    )
  }
  if (about.count === 0) throw new BlockError('found bitmaps extension with zero bitmaps')
  if (about.directoryOffset % clusterBytes !== 0) {
    throw new BlockError('bitmaps_ext: invalid bitmap directory offset')
  }
  if (about.directoryBytes > MAX_DIRECTORY_BYTES) {
    throw new BlockError(
      `bitmaps_ext: bitmap directory size (${String(about.directoryBytes)}) exceeds the maximum ` +
        `supported size (${String(MAX_DIRECTORY_BYTES)})`,
    )
  }
}

/** One extension as it lies in the file. */
export function encodeExtension({ type, data }: Extension): Uint8Array {
  const bytes = new Uint8Array(EXTENSION.size + alignUp(data.length, 8))
  EXTENSION.encodeInto(bytes, 0, { type, bytes: data.length })
  bytes.set(data, EXTENSION.size)
  return bytes
}
