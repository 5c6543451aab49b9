/** `compress`: a filter that turns every write into one of compressed clusters. */
import { defineFilter } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'

export const compress = defineFilter({
  name: 'compress',
  doc: 'Asks the node below to compress what is written.',
  options: {},
  flushesPlainly: true,
  open(next) {
    if (!next.takesCompressed()) {
      throw new BlockError(
        `Compression is not supported for underlying format: ${next.driverName()}`,
        { errno: 'ENOTSUP' },
      )
    }
    return {
      liveLength: true,
      write: (offset, data, flags) => next.write(offset, data, { ...flags, compressed: true }),
      // A compressed cluster is written whole.
      limits: () => {
        const { clusterBytes = 0 } = next.info()
        return clusterBytes === 0 ? {} : { requestAlignment: clusterBytes }
      },
    }
  },
})
