/** How much room counting takes that counts itself too. */
import { ENTRY_BYTES, type Geometry } from './geometry.ts'

export interface RefcountMetadata {
  readonly blocks: number
  readonly tableClusters: number
}

/**
 * Blocks and table clusters that `clusters` other clusters need.
 *
 * @param generous - Leave room for half as many table clusters again.
 */
export function refcountMetadata(
  geometry: Geometry,
  clusters: number,
  generous: boolean,
): RefcountMetadata {
  const perTableCluster = geometry.clusterBytes / ENTRY_BYTES
  let counted = clusters
  let blocks = 0
  let tableClusters = 0
  let spare = generous
  for (;;) {
    const before = blocks + tableClusters
    blocks = Math.ceil((counted + tableClusters + blocks) / geometry.refcountsPerBlock)
    tableClusters = Math.ceil(blocks / perTableCluster)
    if (blocks + tableClusters !== before) continue
    if (!spare) return { blocks, tableClusters }
    spare = false
    counted += Math.ceil(tableClusters / 2)
  }
}
