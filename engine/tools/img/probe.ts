/** What format a file's first bytes speak of. */
import type { Host } from '../../host/host.ts'
import { BlockError } from '../../util/errors.ts'

/** Magic bytes as text, at the offset at which a format has them. */
const MAGICS = [
  { format: 'qcow2', offset: 0, magic: 'QFI\u00fb\0\0\0\u0002' },
  { format: 'qcow2', offset: 0, magic: 'QFI\u00fb\0\0\0\u0003' },
  { format: 'qcow', offset: 0, magic: 'QFI\u00fb\0\0\0\u0001' },
  { format: 'qed', offset: 0, magic: 'QED\0' },
  { format: 'vmdk', offset: 0, magic: 'KDMV' },
  { format: 'vmdk', offset: 0, magic: 'COWD' },
  { format: 'vhdx', offset: 0, magic: 'vhdxfile' },
  { format: 'vpc', offset: 0, magic: 'conectix' },
  { format: 'luks', offset: 0, magic: 'LUKS\u00ba\u00be' },
  { format: 'vdi', offset: 64, magic: '\u007f\u0010\u00da\u00be' },
] as const

const PROBED_BYTES = 512

/** `raw` where nothing else fits. @throws {BlockError} as opening the file would. */
export async function probeFormat(host: Host, filename: string): Promise<string> {
  const head = new Uint8Array(PROBED_BYTES)
  try {
    const file = host.files.open(filename, { write: false })
    try {
      await file.read(0, head)
    } finally {
      file.close()
    }
  } catch (error) {
    // Whatever is wrong, opening it as a node says it better.
    if (error instanceof BlockError) return 'raw'
    throw error
  }
  const text = String.fromCharCode(...head)
  return MAGICS.find(({ offset, magic }) => text.startsWith(magic, offset))?.format ?? 'raw'
}
