/** `qemu:allocation-depth`: how far down the chain the data lies; 1 is the exported node, 0 nowhere. */
import type { ContextSource } from './meta-context.ts'
import { collectExtents } from './meta-context.ts'

const ID = 1

export const allocationDepth: ContextSource = ({ options }) =>
  options['allocation-depth'] === true
    ? [
        {
          id: ID,
          name: 'qemu:allocation-depth',
          extents: (query) =>
            collectExtents(query, async (offset, bytes) => {
              const status = await query.user.statusAbove(offset, bytes)
              return { bytes: status.bytes, flags: status.allocated ? (status.depth ?? 1) : 0 }
            }),
        },
      ]
    : []
