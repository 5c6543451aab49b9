/** Which driver opens a node: the one that is named, that a file name speaks of, or that fits. */
import { isProtocol, type Driver } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import type { Environment } from './environment.ts'
import { driverForName, hasProtocol, optionsInName } from './filename.ts'
import { putMissing, stringOption, type FlatOptions } from './flat.ts'
import type { Node } from './node.ts'

export interface Choice {
  /** Nothing where only the image can tell. */
  readonly driver: Driver | undefined
  /** The name that is left: that of the child `file`. */
  readonly filename: string | undefined
}

/**
 * Completes the options with what a file name says.
 *
 * @param protocol - Without a driver, the name is that of storage; else that of an image on it.
 */
export function chooseDriver(
  { drivers }: Environment,
  options: FlatOptions,
  filename: string | undefined,
  protocol: boolean,
): Choice {
  const name = stringOption(options, 'driver')
  const named = name === undefined ? undefined : drivers.get(name)
  if (name !== undefined && named === undefined) {
    throw new BlockError(`Unknown driver '${name}'`, { errno: 'ENOENT' })
  }
  if (!(named === undefined ? protocol : isProtocol(named))) return { driver: named, filename }
  if (filename !== undefined && options.has('filename')) {
    throw new BlockError("Can't specify 'file' and 'filename' options at the same time")
  }
  if (filename === undefined) return { driver: named ?? byFilename(drivers, options), filename }
  const found =
    named === undefined
      ? driverForName(filename, drivers)
      : { driver: named, prefix: ownPrefix(named, filename) }
  putMissing(options, optionsInName(filename, found.driver, found.prefix))
  options.set('driver', found.driver.name)
  return { driver: found.driver, filename: undefined }
}

/** A file name among the options is that of a file, whatever it looks like. */
function byFilename(drivers: ReadonlyMap<string, Driver>, options: FlatOptions): Driver {
  const files = drivers.get('file')
  if (stringOption(options, 'filename') === undefined || files === undefined) {
    throw new BlockError('Must specify either driver or filename')
  }
  options.set('driver', files.name)
  return files
}

function ownPrefix(driver: Driver, filename: string): string | undefined {
  const prefix = hasProtocol(filename) ? filename.slice(0, filename.indexOf(':')) : ''
  const known = Object.hasOwn(driver.prefixes, prefix) || prefix === driver.name
  return known ? prefix : undefined
}

/** What is looked at of an image. */
const HEAD_BYTES = 512

/** The driver that the image's first bytes speak of. */
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
  return bestFor(drivers, head)
}

/** @throws {BlockError} where no driver takes it, or it is of a format that is not built. */
export function bestFor(drivers: ReadonlyMap<string, Driver>, head: Uint8Array): Driver {
  let best: Driver | undefined
  let bestScore = 0
  for (const driver of drivers.values()) {
    const score = driver.probe?.(head) ?? 0
    if (score <= bestScore) continue
    best = driver
    bestScore = score
  }
  if (best !== undefined) return best
  throw new BlockError('Could not determine image format: No compatible driver found', {
    errno: 'ENOENT',
  })
}
