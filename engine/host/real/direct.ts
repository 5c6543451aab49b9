/**
 * Transfers past the page cache. The system wants buffers at page boundaries, which ordinary
 * arrays are not, while the memory of a resizable one always is.
 */
import * as fs from 'node:fs'
import type { Transfers } from './files.ts'

const BOUNCE_BYTES = 1 << 20
const CANDIDATES = [512, 1024, 2048, 4096]

/** The platform has it; the library types of our language level do not. */
const ResizableBuffer = ArrayBuffer as new (
  bytes: number,
  options: { readonly maxByteLength: number },
) => ArrayBuffer

let shared: Uint8Array | undefined

/** One buffer serves all files: a transfer is a synchronous call and never overlaps another. */
function bounceBuffer(): Uint8Array {
  shared ??= new Uint8Array(new ResizableBuffer(BOUNCE_BYTES, { maxByteLength: BOUNCE_BYTES }))
  return shared
}

/** Every storage takes this. */
const SAFE_ALIGNMENT = 4096

/** The smallest offset and length that the file takes; 1 where it takes none. */
export function probeAlignment(fd: number): number {
  const bounce = bounceBuffer()
  const takes = (bytes: number): boolean => {
    try {
      fs.readSync(fd, bounce, 0, bytes, 0)
      return true
    } catch {
      return false
    }
  }
  // A hole, and the page cache, are read without touching the storage, in any length, and so tell nothing.
  return takes(1) ? SAFE_ALIGNMENT : (CANDIDATES.find(takes) ?? 1)
}

/** The same transfers through a page-aligned buffer. Offsets and lengths are the caller's duty. */
export function alignedTransfers(plain: Transfers): Transfers {
  const inPieces = (bytes: number, move: (piece: Uint8Array, done: number) => void): void => {
    const bounce = bounceBuffer()
    for (let done = 0; done < bytes; done += BOUNCE_BYTES) {
      move(bounce.subarray(0, Math.min(bytes - done, bounce.length)), done)
    }
  }
  return {
    read: (offset, into) => {
      inPieces(into.length, (piece, done) => {
        plain.read(offset + done, piece)
        into.set(piece, done)
      })
    },
    write: (offset, data) => {
      inPieces(data.length, (piece, done) => {
        piece.set(data.subarray(done, done + piece.length))
        plain.write(offset + done, piece)
      })
    },
  }
}
