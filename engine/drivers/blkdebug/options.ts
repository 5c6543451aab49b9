/** The options of `blkdebug`, and the rules as options describe them. */
import { type Members, opt, type Schema } from '../../block/option.ts'
import type { PermissionName } from '../../block/permission.ts'
import { BlockError } from '../../util/errors.ts'
import { inKeyOrder } from '../../util/key-order.ts'
import { checkNotNegative } from '../size.ts'
import { type EventName, EVENTS, type RequestKind, REQUESTS } from './events.ts'

export interface InjectOptions {
  readonly event: EventName
  readonly state?: number | undefined
  readonly iotype?: RequestKind | undefined
  readonly errno?: number | undefined
  readonly sector?: number | undefined
  readonly once?: boolean | undefined
  readonly immediately?: boolean | undefined
}

export interface StateOptions {
  readonly event: EventName
  readonly state?: number | undefined
  readonly new_state: number
}

const EVENT = opt.enum('BlkdebugEvent', EVENTS)({ doc: 'What makes the rule act.' })
const STATE = opt.int({ optional: true, doc: 'Act only in this state; 0, the default, is any.' })

const INJECT: Schema = {
  kind: 'struct',
  name: 'BlkdebugInjectErrorOptions',
  members: {
    event: EVENT,
    state: STATE,
    iotype: opt.enum(
      'BlkdebugIOType',
      REQUESTS,
    )({ optional: true, doc: 'Requests that fail: by default reads, writes, discards, flushes.' }),
    errno: opt.int({ optional: true, doc: 'How they fail, as a Linux number; default 5 (EIO).' }),
    sector: opt.int({ optional: true, doc: 'Only requests that touch the start of this sector.' }),
    once: opt.bool({ optional: true, doc: 'Only one request fails.' }),
    immediately: opt.bool({ optional: true, doc: 'Fail without going through the event loop.' }),
  },
}

const SET_STATE: Schema = {
  kind: 'struct',
  name: 'BlkdebugSetStateOptions',
  members: {
    event: EVENT,
    state: STATE,
    new_state: opt.int({ doc: 'The state from then on.' }),
  },
}

const PERMISSIONS = opt.list<PermissionName>({
  kind: 'enum',
  name: 'BlockPermission',
  values: ['consistent-read', 'write', 'write-unchanged', 'resize'].map((name) => ({ name })),
})

export const OPTIONS = {
  config: opt.str({ optional: true, doc: 'A file with rules.' }),
  align: opt.int({ optional: true, doc: 'Blocks of requests, a power of two of bytes.' }),
  'max-transfer': opt.int32({ optional: true, doc: 'Largest read or write, in bytes.' }),
  'opt-write-zero': opt.int32({ optional: true, doc: 'Blocks in which zeroing is cheap.' }),
  'max-write-zero': opt.int32({ optional: true, doc: 'Most bytes that are zeroed at once.' }),
  'opt-discard': opt.int32({ optional: true, doc: 'Blocks in which discarding is cheap.' }),
  'max-discard': opt.int32({ optional: true, doc: 'Most bytes that are discarded at once.' }),
  'inject-error': opt.list<InjectOptions>(INJECT)({ optional: true, doc: 'Failures to cause.' }),
  'set-state': opt.list<StateOptions>(SET_STATE)({ optional: true, doc: 'Changes of the state.' }),
  'take-child-perms': PERMISSIONS({
    optional: true,
    doc: 'Permissions to use besides those that are needed.',
  }),
  'unshare-child-perms': PERMISSIONS({ optional: true, doc: 'Permissions not to share.' }),
} as const satisfies Members

/** Sizes as options give them; absent is 0, which is no constraint. */
export interface Sizes {
  readonly align?: number | undefined
  readonly 'max-transfer'?: number | undefined
  readonly 'opt-write-zero'?: number | undefined
  readonly 'max-write-zero'?: number | undefined
  readonly 'opt-discard'?: number | undefined
  readonly 'max-discard'?: number | undefined
}

const SIZES = [
  'align',
  'max-transfer',
  'opt-write-zero',
  'max-write-zero',
  'opt-discard',
  'max-discard',
] as const satisfies readonly (keyof Sizes)[]

const INT_MAX = 2 ** 31 - 1

/** @throws {BlockError} for the first that QEMU looks at. */
export function checkSizesNotNegative(sizes: Sizes): void {
  for (const [name, value] of inKeyOrder(SIZES.map((name) => [name, sizes[name]] as const))) {
    checkNotNegative(name, value)
  }
}

/**
 * Refuses sizes that do not fit together.
 *
 * @param below - What the image demands of requests in any case.
 */
export function checkConstraints(sizes: Sizes, below: number): void {
  const own = sizes.align ?? 0
  const isPowerOfTwo = Number.isInteger(Math.log2(own))
  if (own !== 0 && (own >= INT_MAX || !isPowerOfTwo)) refuse('align', own)
  const align = Math.max(own, below)
  const check = (name: keyof Sizes, unit: number): number => {
    const size = sizes[name] ?? 0
    if (size !== 0 && (size >= INT_MAX || size % unit !== 0)) refuse(name, size)
    return size
  }
  check('max-transfer', align)
  const zeroUnit = check('opt-write-zero', align)
  check('max-write-zero', Math.max(zeroUnit, align))
  const discardUnit = check('opt-discard', align)
  check('max-discard', Math.max(discardUnit, align))
}

function refuse(name: string, size: number): never {
  throw new BlockError(`Cannot meet constraints with ${name} ${String(size)}`)
}
