/** Bounds on lengths of nodes. */

/** Every node's length is a multiple of this, whatever its storage says. */
export const SECTOR_BYTES = 512

/** The largest length that QEMU lets a node have. */
export const MAX_LENGTH = 2 ** 63 - 2 ** 30
