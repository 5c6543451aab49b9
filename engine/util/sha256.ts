/** SHA-256 of bytes that come in pieces. */
import { createHash } from 'node:crypto'

/** In lower-case hex digits. */
export function sha256(pieces: Iterable<Uint8Array>): string {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}
