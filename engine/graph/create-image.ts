/** New images by their names, as commands bring them along: what is asked for is read and completed. */
import type { Driver } from '../block/driver.ts'
import {
  completed,
  formattingLine,
  UNBUILT_MAKERS,
  UNBUILT_READERS,
  type ImageOption,
} from '../block/image-options.ts'
import { readWords } from '../block/image-words.ts'
import { BlockError } from '../util/errors.ts'
import type { Environment } from './environment.ts'
import { besideOf, driverForName, hasProtocol, isAbsolute } from './filename.ts'
import type { NewImage } from './graph.ts'
import { releaseHold } from './lifecycle.ts'
import { makeImage } from './make-image.ts'
import { openNode } from './open.ts'

/** @throws {BlockError} A file that was made or emptied may be there then, and hold no image. */
export async function createImage(environment: Environment, about: NewImage): Promise<void> {
  const { filename, format } = about
  const { services } = environment
  const driver = formatOf(environment, format)
  // Whoever asks what can be said hears of the format first.
  driverForName(filename, environment.drivers)
  const options = newImageOptions(environment, format, filename)
  const given = readWords(options, about.words ?? '', (warning) => {
    services.log(warning)
  })
  const bytes = await sizeOf(environment, about, withBacking(options, given, about))
  given.set('size', String(BigInt.asIntN(64, bytes)))
  checkBuilt(options, given)
  const words = completed(options, given)
  services.log(formattingLine(filename, format, words), 'output')
  try {
    await makeImage(environment, driver, { filename, words })
  } catch (error) {
    throw error instanceof BlockError && error.errno === 'EFBIG' ? tooLarge(format, words) : error
  }
}

/**
 * What can be said of an image of that format.
 *
 * @param filename - Says what stores it, which may take more.
 * @throws {BlockError} for what makes no images.
 */
export function newImageOptions(
  environment: Environment,
  format: string,
  filename: string | undefined,
): readonly ImageOption[] {
  const own = formatOf(environment, format).imageOptions
  if (own === undefined) throw makesNone(format)
  if (filename === undefined) return own
  const protocol = driverForName(filename, environment.drivers).driver
  if (protocol.imageOptions === undefined) {
    throw new BlockError(`Protocol driver '${protocol.name}' does not support image creation`)
  }
  const names = new Set(own.map(({ name }) => name))
  return [...own, ...protocol.imageOptions.filter(({ name }) => !names.has(name))]
}

function formatOf({ drivers }: Environment, format: string): Driver {
  const driver = drivers.get(format)
  if (driver !== undefined) return driver
  if (UNBUILT_MAKERS.includes(format)) {
    throw new BlockError(`Making images of format '${format}' is not built yet`)
  }
  if (UNBUILT_READERS.includes(format)) throw makesNone(format)
  throw new BlockError(`Unknown file format '${format}'`)
}

function makesNone(format: string): BlockError {
  return new BlockError(`Format driver '${format}' does not support image creation`)
}

/** Puts what was said of the backing image among the words. */
function withBacking(
  options: readonly ImageOption[],
  words: Map<string, string>,
  { filename, format, size, backing }: NewImage,
): Map<string, string> {
  if (size !== undefined && words.has('size')) {
    throw new BlockError('The image size must be specified only once')
  }
  for (const [name, value, what] of [
    ['backing_file', backing?.filename, 'Backing file'],
    ['backing_fmt', backing?.format, 'Backing file format'],
  ] as const) {
    if (value === undefined) continue
    if (!options.some((known) => known.name === name)) {
      throw new BlockError(`${what} not supported for file format '${format}'`)
    }
    words.set(name, value)
  }
  const backingFile = words.get('backing_file')
  if (backingFile === filename) {
    throw new BlockError(
      'Error: Trying to create an image with the same filename as the backing file',
    )
  }
  if (backingFile === '') throw new BlockError('Expected backing file name, got empty string')
  return words
}

const NO_SIZE = 2n ** 64n - 1n

/** Bytes of the image: as was said, or those of the backing image. */
async function sizeOf(
  environment: Environment,
  about: NewImage,
  words: ReadonlyMap<string, string>,
): Promise<bigint> {
  const word = words.get('size')
  const said = about.size ?? BigInt.asUintN(64, word === undefined ? NO_SIZE : BigInt(word))
  const backing = words.get('backing_file')
  const format = words.get('backing_fmt')
  let found: bigint | undefined
  if (backing !== undefined && about.opensBacking === true) {
    found = await backingSize(environment, about.filename, { name: backing, format })
  } else if (backing !== undefined && format === undefined) {
    throw new BlockError('Backing file specified without backing format')
  }
  const bytes = said === NO_SIZE ? found : said
  if (bytes === undefined) throw new BlockError('Image creation needs a size parameter')
  return bytes
}

/** Bytes of the backing image, opened under the name that the new image will have for it. */
async function backingSize(
  environment: Environment,
  filename: string,
  { name, format }: { readonly name: string; readonly format: string | undefined },
): Promise<bigint> {
  if (filename === '' && !hasProtocol(name) && !isAbsolute(name)) {
    throw new BlockError(`Cannot use relative backing file names for '${filename}'`)
  }
  const node = await openBacking(environment, besideOf(filename, name), format)
  try {
    if (format !== undefined) return BigInt(node.length())
    throw new BlockError('Backing file specified without backing format', {
      hint: `Detected format of ${node.driver.name}.`,
    })
  } finally {
    await releaseHold(environment, node)
  }
}

async function openBacking(
  environment: Environment,
  filename: string,
  format: string | undefined,
): ReturnType<typeof openNode> {
  const options = new Map<string, unknown>([
    ['force-share', true],
    ['read-only', true],
  ])
  if (format !== undefined) options.set('driver', format)
  try {
    return await openNode(environment, { filename, options, protocol: false })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    const hint = `${error.hint ?? ''}Could not open backing image.\n`
    throw new BlockError(error.message, { class: error.class, errno: error.errno, hint })
  }
}

function checkBuilt(options: readonly ImageOption[], given: ReadonlyMap<string, string>): void {
  const unbuilt = options.find(({ name, unbuilt: is }) => is === true && given.has(name))
  if (unbuilt !== undefined) throw new BlockError(`option '${unbuilt.name}' is not built yet`)
}

function tooLarge(format: string, words: ReadonlyMap<string, string>): BlockError {
  const hint = words.has('cluster_size') ? ' (try using a larger cluster size)' : ''
  return new BlockError(`The image size is too large for file format '${format}'${hint}`, {
    errno: 'EFBIG',
  })
}
