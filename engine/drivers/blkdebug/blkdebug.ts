/** `blkdebug`: makes requests fail or stop where rules say so, and has limits to try parents with. */
import {
  type Child,
  defineDriver,
  infoBelow,
  type Instance,
  type Limits,
  type NodeDescription,
} from '../../block/driver.ts'
import type { Values } from '../../block/option.ts'
import { permissionsNamed } from '../../block/permission.ts'
import type { Clock, Files } from '../../host/host.ts'
import { assert } from '../../util/assert.ts'
import type { MaybePromise } from '../../util/async.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { createBreakpoints } from './breakpoints.ts'
import { readRules } from './config.ts'
import type { RequestKind } from './events.ts'
import { checkConstraints, checkSizesNotNegative, OPTIONS } from './options.ts'
import { type Failure, injectRule, type Rule, RuleMachine, stateRule } from './rules.ts'

type Options = Values<typeof OPTIONS>

export const blkdebug = defineDriver({
  name: 'blkdebug',
  kind: 'filter',
  doc: 'Injects failures into the requests to a node, as rules say.',
  options: OPTIONS,
  children: {
    image: {
      doc: 'The node below.',
      role: { filtered: true, primary: true },
      nameOption: 'x-image',
    },
  },
  strongOptions: [
    'config',
    'inject-error',
    'set-state',
    'align',
    'max-transfer',
    'opt-write-zero',
    'max-write-zero',
    'opt-discard',
    'max-discard',
  ],
  childrenFirst: false,
  prefixes: { blkdebug: takeApart },
  filename: ({ given, options, children }) => {
    const image = children.get('image')
    const plain = Object.keys(given).every((name) => name === 'config')
    if (!plain || image === undefined) return undefined
    return `blkdebug:${options.config ?? ''}:${image}`
  },
  claims: ({ above, options }) => ({
    uses: above.uses | permissionsNamed(options['take-child-perms'] ?? []),
    shares: above.shares & ~permissionsNamed(options['unshare-child-perms'] ?? []),
  }),
  async check({ options, services }) {
    checkSizesNotNegative(options)
    await rulesOf(options, services.files)
  },
  async open({ options, children, services }) {
    const image = children.get('image')
    assert(image !== undefined, 'blkdebug opens with its child attached')
    const machine = new RuleMachine(await rulesOf(options, services.files))
    checkConstraints(options, image.limits().requestAlignment)
    const breakpoints = createBreakpoints(machine)
    return {
      length: () => image.length(),
      truncate: (bytes, how) => image.truncate(bytes, how),
      info: () => {
        const { allocatedBytes: _, ...info } = infoBelow(image)
        return info
      },
      get supports() {
        const fua = image.supportsFua()
        const unmapZero = image.supportsUnmapZero()
        return { fua, unchanged: true, unmapZero, fastZero: image.supportsFastZero() }
      },
      ...requests(image, machine, services.clock, options),
      limits: () => limitsOf(options),
      debugEvent: (event) => breakpoints.happened(event),
      breakpoints,
      reopen: () => ({}),
    }
  },
})

/** `blkdebug:CONFIG:IMAGE`; the first colon ends the name of the file with rules. */
function takeApart(filename: string): NodeDescription {
  // Without the prefix all else is among the options already.
  if (!filename.startsWith('blkdebug:')) return { 'x-image': filename }
  const rest = filename.slice('blkdebug:'.length)
  const colon = rest.indexOf(':')
  if (colon < 0) throw new BlockError('blkdebug requires both config file and image path')
  const config = rest.slice(0, colon)
  return { ...(config === '' ? {} : { config }), 'x-image': rest.slice(colon + 1) }
}

async function rulesOf(options: Options, files: Files): Promise<Rule[]> {
  const read = options.config === undefined ? [] : await readRules(options.config, files)
  const injected = (options['inject-error'] ?? []).map(injectRule)
  const states = (options['set-state'] ?? []).map(stateRule)
  return [...read, ...injected, ...states]
}

type Requests = Required<
  Pick<Instance, 'read' | 'write' | 'zero' | 'discard' | 'flushToDisk' | 'status'>
>

/** The requests of the node below, each after its rule was asked. */
function requests(image: Child, machine: RuleMachine, clock: Clock, options: Options): Requests {
  const blockBytes = Math.max(1, options.align ?? 0)
  const zeroBytes = Math.max(blockBytes, options['opt-write-zero'] ?? 0)
  const ask = <T>(
    kind: RequestKind,
    offset: number,
    bytes: number,
    request: () => MaybePromise<T>,
    skip: () => T,
  ): MaybePromise<T> => {
    const failure = machine.failureFor(kind, offset, bytes)
    return failure === undefined ? request() : fail(failure, clock, skip)
  }
  const nothing = (): void => undefined
  return {
    read: (offset, into, flags) =>
      ask(
        'read',
        offset,
        into.length,
        () => image.read(offset, into, flags),
        // 7.2 leaves what was there.
        () => void into.fill(0),
      ),
    write: (offset, data, flags) =>
      ask('write', offset, data.length, () => image.write(offset, data, flags), nothing),
    zero(offset, bytes, flags) {
      // So that what does not fill a block is tried as a write.
      if (bytes < zeroBytes) throw ioError('ENOTSUP')
      return ask('write-zeroes', offset, bytes, () => image.zero(offset, bytes, flags), nothing)
    },
    discard(offset, bytes) {
      if (bytes < blockBytes) throw ioError('ENOTSUP')
      return ask('discard', offset, bytes, () => image.discard(offset, bytes), nothing)
    },
    flushToDisk: () => ask('flush', 0, 0, () => image.flush(), nothing),
    status: (offset, bytes, query) =>
      ask(
        'block-status',
        offset,
        bytes,
        () => image.status(offset, bytes, query),
        () => ({ bytes, allocated: true, data: true, zero: false }),
      ),
  }
}

/** Fails, now or after a turn of the event loop, or (`skip`) claims to have done what it did not. */
function fail<T>(failure: Failure, clock: Clock, skip: () => T): MaybePromise<T> {
  const end = (): T => {
    if (failure.errno === undefined) return skip()
    throw ioError(failure.errno)
  }
  if (failure.immediately) return end()
  return new Promise<void>((resolve) => {
    clock.after(0, resolve)
  }).then(end)
}

function limitsOf(options: Options): Partial<Limits> {
  return Object.fromEntries(
    LIMITS.flatMap(([limit, option]) => {
      const bytes = options[option] ?? 0
      return bytes === 0 ? [] : [[limit, bytes] as const]
    }),
  )
}

const LIMITS = [
  ['requestAlignment', 'align'],
  ['maxTransfer', 'max-transfer'],
  ['zeroAlignment', 'opt-write-zero'],
  ['maxZero', 'max-write-zero'],
  ['discardAlignment', 'opt-discard'],
  ['maxDiscard', 'max-discard'],
] as const satisfies readonly (readonly [keyof Limits, keyof Options])[]
