/** Generic node options: what the user gave, what a nested node inherits, what is refused. */
import type { NodeFlags } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'

export type LiveFlags = { -readonly [K in keyof NodeFlags]: NodeFlags[K] }

/** Generic options as `blockdev-add` takes them, already checked against the schema. */
export interface GenericOptions {
  readonly driver: string
  readonly 'node-name'?: string
  readonly discard?: 'ignore' | 'unmap'
  readonly cache?: { readonly direct?: boolean; readonly 'no-flush'?: boolean }
  readonly 'read-only'?: boolean
  readonly 'auto-read-only'?: boolean
  readonly 'force-share'?: boolean
  readonly 'detect-zeroes'?: 'off' | 'on' | 'unmap'
}

export const GENERIC_OPTIONS: ReadonlySet<string> = new Set<keyof GenericOptions>([
  'driver',
  'node-name',
  'discard',
  'cache',
  'read-only',
  'auto-read-only',
  'force-share',
  'detect-zeroes',
])

/**
 * @param parent - The flags of the node whose options this node's are nested in. Such a node
 *   always passes discards on: its parent decides.
 */
export function resolveFlags(options: GenericOptions, parent?: NodeFlags): LiveFlags {
  return {
    readOnly: options['read-only'] ?? parent?.readOnly ?? false,
    autoReadOnly: options['auto-read-only'] ?? parent?.autoReadOnly ?? false,
    direct: options.cache?.direct ?? parent?.direct ?? false,
    noFlush: options.cache?.['no-flush'] ?? parent?.noFlush ?? false,
    discard: options.discard === undefined ? parent !== undefined : options.discard === 'unmap',
    forceShare: options['force-share'] ?? parent?.forceShare ?? false,
    detectZeroes: options['detect-zeroes'] ?? 'off',
  }
}

/** @throws {BlockError} for combinations that make no sense. */
export function checkFlags(flags: NodeFlags): void {
  if (flags.forceShare && !flags.readOnly) {
    throw new BlockError('force-share=on can only be used with read-only images')
  }
  if (flags.detectZeroes === 'unmap' && !flags.discard) {
    throw new BlockError(
      'setting detect-zeroes to unmap is not allowed without setting discard operation to unmap',
    )
  }
}
