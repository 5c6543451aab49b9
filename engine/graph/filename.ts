/** File names: protocols in front of them, directories, and what `json:` names hold. */
import type { Driver } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import type { Json } from '../util/json.ts'
import { copied, flatten, type FlatOptions } from './flat.ts'

const JSON_PREFIX = 'json:'

/** Whether the name begins with the name of a protocol: a colon before any slash. */
export function hasProtocol(filename: string): boolean {
  return /^[^:/]*:/.test(filename)
}

/** Resolves a name against the directory of another one, whose protocol stays in front. */
export function directoryOf(filename: string): string {
  const protocolEnd = hasProtocol(filename) ? filename.indexOf(':') + 1 : 0
  return filename.slice(0, Math.max(protocolEnd, filename.lastIndexOf('/') + 1))
}

/** A name that stands in an image, as seen from where that image is. */
export function besideOf(filename: string, name: string): string {
  return hasProtocol(name) || isAbsolute(name) ? name : `${directoryOf(filename)}${name}`
}

export function isAbsolute(filename: string): boolean {
  return filename.startsWith('/')
}

/** The options that a `json:` name holds; nothing where the name is another one. */
export function jsonOptions(
  filename: string,
  parseJson: (text: string) => Json,
): FlatOptions | undefined {
  if (!filename.startsWith(JSON_PREFIX)) return undefined
  let value: Json
  try {
    value = parseJson(filename.slice(JSON_PREFIX.length))
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw BlockError.prepend('Could not parse the JSON options', error)
  }
  if (!(value instanceof Map)) throw new BlockError('Invalid JSON object given')
  return flatten(plain(value) as Record<string, unknown>)
}

/** Maps become dictionaries, and whole numbers what options are. */
function plain(value: Json): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return (value as readonly Json[]).map(plain)
  if (!(value instanceof Map)) return value
  const members = [...(value as ReadonlyMap<string, Json>)]
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]))
}

/** The driver that such a name means: by the protocol in front, or files of the host. */
export function driverForName(
  filename: string,
  drivers: ReadonlyMap<string, Driver>,
): { readonly driver: Driver; readonly prefix: string | undefined } {
  const prefix = hasProtocol(filename) ? filename.slice(0, filename.indexOf(':')) : undefined
  const files = drivers.get('file')
  if ((prefix === undefined || prefix === 'file') && files !== undefined) {
    return { driver: files, prefix }
  }
  for (const driver of drivers.values()) {
    if (prefix !== undefined && Object.hasOwn(driver.prefixes, prefix)) return { driver, prefix }
  }
  throw new BlockError(`Unknown protocol '${prefix ?? 'file'}'`)
}

/** What a name says of the options of its driver, beside those that are given. */
export function optionsInName(
  filename: string,
  driver: Driver,
  prefix: string | undefined,
  given: FlatOptions,
): FlatOptions {
  const takeApart = prefix === undefined ? undefined : driver.prefixes[prefix]
  if (takeApart !== undefined) return flatten(takeApart(filename, [...copied(given).keys()]))
  return new Map([['filename', prefix === 'file' ? filename.slice('file:'.length) : filename]])
}
