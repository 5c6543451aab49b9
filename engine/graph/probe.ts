/** Which format an image is of, going by its first bytes. */
import type { Driver } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import type { Environment } from './environment.ts'
import type { Node } from './node.ts'

/** What is looked at of an image. */
const HEAD_BYTES = 512

/** Formats that QEMU would see and no driver here opens: the bytes at their offset. */
const UNBUILT = [
  { format: 'qcow', offset: 0, magic: 'QFI\u00fb\0\0\0\u0001' },
  { format: 'qed', offset: 0, magic: 'QED\0' },
  { format: 'vmdk', offset: 0, magic: 'KDMV' },
  { format: 'vmdk', offset: 0, magic: 'COWD' },
  { format: 'vhdx', offset: 0, magic: 'vhdxfile' },
  { format: 'vpc', offset: 0, magic: 'conectix' },
  { format: 'luks', offset: 0, magic: 'LUKS\u00ba\u00be' },
  { format: 'vdi', offset: 64, magic: '\u007f\u0010\u00da\u00be' },
] as const

/** @throws {BlockError} where no driver takes it, or it is of a format that is not built. */
export async function probe({ drivers }: Environment, file: Node): Promise<Driver> {
  const head = new Uint8Array(HEAD_BYTES)
  if (file.length() > 0) {
    try {
      await file.io.read(0, head)
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      throw BlockError.system('Could not read image for determining its format', error.errno)
    }
  }
  const unbuilt = unbuiltFormat(head)
  if (unbuilt !== undefined) throw new BlockError(`Images of format '${unbuilt}' are not built yet`)
  return best(drivers, head)
}

/** The name of the format, also of one that is not built. */
export function formatOf(drivers: ReadonlyMap<string, Driver>, head: Uint8Array): string {
  return unbuiltFormat(head) ?? best(drivers, head).name
}

function unbuiltFormat(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head)
  return UNBUILT.find(({ offset, magic }) => text.startsWith(magic, offset))?.format
}

function best(drivers: ReadonlyMap<string, Driver>, head: Uint8Array): Driver {
  let found: Driver | undefined
  let highest = 0
  for (const driver of drivers.values()) {
    const score = driver.probe?.(head) ?? 0
    if (score <= highest) continue
    found = driver
    highest = score
  }
  if (found !== undefined) return found
  throw new BlockError('Could not determine image format: No compatible driver found', {
    errno: 'ENOENT',
  })
}
