/** What queries tell of the format. */
import { AUTO, IN_USE } from './bitmap-directory.ts'
import { COMPATIBLE, COMPRESSION, INCOMPATIBLE } from './header.ts'
import type { Image } from './image.ts'

export function specificInfo({
  header,
  geometry,
  bitmaps,
}: Image): Readonly<Record<string, unknown>> {
  const compression = header.compressionType === COMPRESSION.zstd ? 'zstd' : 'zlib'
  const common = {
    'compression-type': compression,
    'refcount-bits': geometry.refcountBits,
  }
  const data =
    geometry.version < 3
      ? { compat: '0.10', ...common }
      : {
          compat: '1.1',
          ...common,
          'lazy-refcounts': (header.compatible & COMPATIBLE.lazyRefcounts) !== 0n,
          corrupt: (header.incompatible & INCOMPATIBLE.corrupt) !== 0n,
          'extended-l2': false,
          ...(bitmaps.length === 0
            ? {}
            : {
                bitmaps: bitmaps.map(({ flags, name, granularityBits }) => ({
                  flags: [
                    ...((flags & IN_USE) === 0 ? [] : ['in-use']),
                    ...((flags & AUTO) === 0 ? [] : ['auto']),
                  ],
                  name,
                  granularity: 2 ** granularityBits,
                })),
              }),
        }
  return { type: 'qcow2', data }
}
