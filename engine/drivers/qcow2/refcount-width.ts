/** Refcounts of 1 to 64 bits in the bytes of a block. Narrow ones fill a byte from its low end. */

export interface RefcountCodec {
  /** Rounded above 2^53. */
  get(block: Uint8Array, index: number): number
  exact(block: Uint8Array, index: number): bigint
  set(block: Uint8Array, index: number, value: number): void
}

/** @param order - log2 of the width in bits, 0 to 6. */
export function refcountCodec(order: number): RefcountCodec {
  const bits = 2 ** order
  return bits < 8 ? packed(bits) : whole(bits / 8)
}

function packed(bits: number): RefcountCodec {
  const perByte = 8 / bits
  const mask = 2 ** bits - 1
  const get = (block: Uint8Array, index: number): number => {
    const byte = block[Math.floor(index / perByte)] ?? 0
    return (byte >> ((index % perByte) * bits)) & mask
  }
  return {
    get,
    exact: (block, index) => BigInt(get(block, index)),
    set: (block, index, value) => {
      const at = Math.floor(index / perByte)
      const shift = (index % perByte) * bits
      block[at] = ((block[at] ?? 0) & ~(mask << shift)) | (value << shift)
    },
  }
}

function whole(bytes: number): RefcountCodec {
  return {
    get: (block, index) => {
      let value = 0
      for (let at = index * bytes; at < (index + 1) * bytes; at++) {
        value = value * 256 + (block[at] ?? 0)
      }
      return value
    },
    exact: (block, index) => {
      let value = 0n
      for (let at = index * bytes; at < (index + 1) * bytes; at++) {
        value = (value << 8n) | BigInt(block[at] ?? 0)
      }
      return value
    },
    set: (block, index, value) => {
      let rest = value
      for (let at = (index + 1) * bytes - 1; at >= index * bytes; at--) {
        block[at] = rest % 256
        rest = Math.floor(rest / 256)
      }
    },
  }
}
