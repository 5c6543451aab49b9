/** Which driver opens a node: the one that is named, that a file name speaks of, or that fits. */
import { isProtocol, type ChildRole, type Driver } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import type { Environment } from './environment.ts'
import { driverForName, hasProtocol, optionsInName } from './filename.ts'
import { putMissing, stringOption, type FlatOptions } from './flat.ts'

export interface Choice {
  /** Nothing where only the image can tell. */
  readonly driver: Driver | undefined
  /** The name that is left: that of the child `file`. */
  readonly filename: string | undefined
}

/** How a file name is meant. */
export interface NameUse {
  /** A file name without a driver is that of storage, not of an image on it. */
  readonly protocol: boolean
  /** A driver that is named with it gets it as it is, even one that takes names apart. */
  readonly verbatim?: boolean
}

/** Completes the options with what a file name says. */
export function chooseDriver(
  { drivers }: Environment,
  options: FlatOptions,
  filename: string | undefined,
  { protocol, verbatim = false }: NameUse,
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
  if (named !== undefined && verbatim) {
    options.set('filename', filename)
    return { driver: named, filename: undefined }
  }
  const found =
    named === undefined
      ? driverForName(filename, drivers)
      : { driver: named, prefix: ownPrefix(named, filename) }
  putMissing(options, optionsInName(filename, found.driver, found.prefix, options))
  options.set('driver', found.driver.name)
  return { driver: found.driver, filename: undefined }
}

/** How a file name is meant that is given for such a child. */
export function nameUse(driver: Driver, role: ChildRole): NameUse {
  const isFormat = driver.kind === 'format'
  if ((isFormat && role.cow !== true) || role.metadata === true) return { protocol: true }
  // That 7.2 does not take the name apart there looks like an oversight.
  if (!isFormat && role.data === true && role.filtered !== true) {
    return { protocol: false, verbatim: true }
  }
  return { protocol: role.cow !== true && isProtocol(driver) }
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

/** A named driver takes names apart as it does its own, whatever protocol is in front. */
export function ownPrefix(driver: Driver, filename: string): string | undefined {
  const prefix = hasProtocol(filename) ? filename.slice(0, filename.indexOf(':')) : ''
  if (Object.hasOwn(driver.prefixes, prefix) || prefix === driver.name) return prefix
  return Object.keys(driver.prefixes)[0]
}
