/** `img create -f raw`: makes a file of a given length. */
import type { Host } from '../../host/host.ts'
import { alignUp } from '../../util/align.ts'
import { BlockError } from '../../util/errors.ts'
import { ImgFailure } from './command-line.ts'
import type { CreateValues } from './create-options.ts'

/** Image sizes are multiples of this. */
const SECTOR = 512

const PREALLOCATIONS = ['off', 'falloc', 'full'] as const
type Preallocation = (typeof PREALLOCATIONS)[number]

/** @throws {ImgFailure} */
export async function createRaw(
  host: Host,
  filename: string,
  options: CreateValues,
): Promise<void> {
  const preallocation = options.text('preallocation') ?? 'off'
  const mode = PREALLOCATIONS.find((known) => known === preallocation)
  if (mode === undefined) {
    throw new ImgFailure(`${filename}: invalid parameter value: ${preallocation}`)
  }
  const bytes = alignUp(options.size, SECTOR)
  try {
    const file = host.files.open(filename, { write: true, create: true })
    try {
      file.truncate(0)
      file.truncate(bytes)
      await preallocate(file, bytes, mode)
    } finally {
      file.close()
    }
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(`${filename}: Could not create '${filename}': ${error.message}`)
  }
}

const CHUNK_BYTES = 1 << 20

async function preallocate(
  file: ReturnType<Host['files']['open']>,
  bytes: number,
  mode: Preallocation,
): Promise<void> {
  if (mode === 'falloc' && bytes > 0) file.zeroRange(0, bytes)
  // Whatever the mode, a new image has its first sector stored: nobody then probes what was there.
  const stored = mode === 'full' ? bytes : Math.min(bytes, SECTOR)
  for (let offset = 0; offset < stored; offset += CHUNK_BYTES) {
    await file.write(offset, new Uint8Array(Math.min(CHUNK_BYTES, stored - offset)))
  }
}
