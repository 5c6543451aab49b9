/** Small work on byte arrays that several parts of the format need. */

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** 64 bits as QEMU's `%#llx` prints them. */
export function hex(value: number | bigint): string {
  return value == 0 ? '0' : `0x${value.toString(16)}`
}
