/** `change-backing-file`: writes another backing image into the header of an image in use. */
import { BlockError } from '../util/errors.ts'
import { chainContains, findBase } from './chain.ts'
import { findNamed, findReference, type Environment } from './environment.ts'
import type { BackingChange } from './graph.ts'
import type { Node } from './node.ts'
import { reopenKeeping } from './reopen.ts'
import { checkRoot } from './root.ts'

/** @throws {BlockError} with the header as it was. */
export async function changeBackingFile(
  environment: Environment,
  { device, image: name, backingFile }: BackingChange,
): Promise<void> {
  const top = findReference(environment, device)
  checkRoot(top)
  const image = findNamed(environment, name)
  if (findBase(image) === image) {
    throw new BlockError('not allowing backing file change on an image without a backing file')
  }
  if (!chainContains(top, image)) {
    throw new BlockError(`'${device}' and image file are not in the same chain`)
  }
  const { readOnly } = image.flags
  if (readOnly) await reopenKeeping(environment, image, new Map([['read-only', false]]))
  try {
    await writeHeader(image, backingFile)
  } finally {
    if (readOnly) await reopenKeeping(environment, image, new Map([['read-only', true]]))
  }
}

async function writeHeader(image: Node, filename: string): Promise<void> {
  const { instance, driver } = image
  // 7.2 writes the name of the overlay's own format, whatever the backing image is.
  const hint = { filename, format: driver.name }
  try {
    if (instance.changeBacking === undefined) {
      throw new BlockError('no header', { errno: 'ENOTSUP' })
    }
    await instance.changeBacking(hint)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.system(`Could not change backing file to '${filename}'`, error.errno)
  }
  image.autoBacking = filename
}
