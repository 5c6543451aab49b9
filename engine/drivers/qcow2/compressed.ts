/** Unpacking compressed clusters. */
import { inflateRawSync, constants } from 'node:zlib'

const WINDOW_BITS = 12

/**
 * The cluster that `packed` begins with; what follows it belongs to others.
 *
 * @returns nothing where it is damaged.
 */
export function decompress(packed: Uint8Array, clusterBytes: number): Uint8Array | undefined {
  try {
    const cluster = inflateRawSync(packed, {
      windowBits: WINDOW_BITS,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: clusterBytes,
    })
    return cluster.length === clusterBytes ? cluster : undefined
  } catch {
    return undefined
  }
}
