/** How an image's compressed clusters are packed. */
import type { Packing } from '../../host/host.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { COMPRESSION } from './header.ts'
import type { Image } from './image.ts'

/** @throws {BlockError} `ENOTSUP` where this machine cannot; the reason is told. */
export function packingOf({ header, around }: Image): Packing {
  const kind = header.compressionType === COMPRESSION.zstd ? 'zstd' : 'deflate'
  try {
    return around.compression.packing(kind)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    around.log(`qcow2: ${error.message}`)
    throw ioError('ENOTSUP')
  }
}
