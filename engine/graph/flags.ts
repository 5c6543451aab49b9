/** Generic node options: what was given, what a child inherits, what is refused. */
import type { ChildRole, NodeFlags } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import { booleanOf } from './coerce.ts'
import { putMissing, stringOption, type FlatOptions } from './flat.ts'

export type LiveFlags = { -readonly [K in keyof NodeFlags]: NodeFlags[K] }

/** Those that say what a node's file is opened for, each off where nothing is said. */
const ACCESS = ['cache.direct', 'cache.no-flush', 'read-only', 'auto-read-only'] as const

const GENERIC = [
  'driver',
  'node-name',
  'discard',
  'force-share',
  'detect-zeroes',
  ...ACCESS,
] as const

/** The generic options that a reopened node may have other values of. */
export const CHANGEABLE: ReadonlySet<string> = new Set(['discard', 'detect-zeroes', ...ACCESS])

/** The same, and those that are never missed where a node is reopened without them. */
export const RESETTABLE: ReadonlySet<string> = new Set(['node-name', ...CHANGEABLE])

/** Fills in what a child takes from the options of its parent. */
export function inheritOptions(
  options: FlatOptions,
  parent: ReadonlyMap<string, unknown>,
  role: ChildRole,
): void {
  const inherited = ['cache.direct', 'cache.no-flush', 'force-share']
  if (role.cow !== true) inherited.push('read-only', 'auto-read-only')
  for (const name of inherited) {
    if (!options.has(name) && parent.has(name)) options.set(name, parent.get(name))
  }
  // A backing image is read only, whatever its overlay is.
  if (role.cow === true) putMissing(options, BACKING_DEFAULTS)
  // Whether discards go further down is for the parent to decide.
  putMissing(options, CHILD_DEFAULTS)
}

const BACKING_DEFAULTS: ReadonlyMap<string, unknown> = new Map([
  ['read-only', 'on'],
  ['auto-read-only', 'off'],
])
const CHILD_DEFAULTS: ReadonlyMap<string, unknown> = new Map([['discard', 'unmap']])

/** What an opened node has where neither it nor its parent says anything. */
export const OPEN_DEFAULTS: ReadonlyMap<string, unknown> = new Map(
  ACCESS.map((name) => [name, 'off'] as const),
)

/** Reads the options that make a node's flags. @throws {BlockError} for values without meaning. */
export function flagsOf(options: FlatOptions): LiveFlags {
  const isOn = (name: string): boolean => {
    const value = options.get(name)
    return value === undefined ? false : booleanOf(value, name)
  }
  return {
    noFlush: isOn('cache.no-flush'),
    direct: isOn('cache.direct'),
    readOnly: isOn('read-only'),
    autoReadOnly: isOn('auto-read-only'),
    forceShare: isOn('force-share'),
    discard: discardOf(options),
    detectZeroes: detectZeroesOf(options),
  }
}

function discardOf(options: FlatOptions): boolean {
  const word = stringOption(options, 'discard') ?? 'ignore'
  if (word === 'unmap' || word === 'on') return true
  if (word === 'ignore' || word === 'off') return false
  throw new BlockError('Invalid discard option')
}

function detectZeroesOf(options: FlatOptions): NodeFlags['detectZeroes'] {
  const word = stringOption(options, 'detect-zeroes') ?? 'off'
  if (word === 'off' || word === 'on' || word === 'unmap') return word
  throw new BlockError(`invalid parameter value: ${word}`)
}

/** Takes the generic options out: somebody reads them. */
export function dropGeneric(options: FlatOptions): void {
  for (const name of GENERIC) options.delete(name)
}

/** @throws {BlockError} for combinations that make no sense. */
export function checkForceShare(flags: NodeFlags): void {
  if (flags.forceShare && !flags.readOnly) {
    throw new BlockError('force-share=on can only be used with read-only images')
  }
}

/** @throws {BlockError} for combinations that make no sense. */
export function checkDetectZeroes(flags: NodeFlags): void {
  if (flags.detectZeroes === 'unmap' && !flags.discard) {
    throw new BlockError(
      'setting detect-zeroes to unmap is not allowed without setting discard operation to unmap',
    )
  }
}
