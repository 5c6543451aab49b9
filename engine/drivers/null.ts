/**
 * `null-co` and `null-aio`: nodes with a length and no storage, for tests and benchmarks. The two
 * differ in name only; here every request may complete at once.
 */
import {
  defineDriver,
  type BlockStatus,
  type Driver,
  type Instance,
  type NodeDescription,
} from '../block/driver.ts'
import { MAX_LENGTH } from '../block/length.ts'
import { opt } from '../block/option.ts'
import { sleep } from '../block/sleep.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { checkKeepable, checkNotNegative } from './size.ts'

const DEFAULT_SIZE = 2 ** 30

export const nullCo = nullDriver('null-co')
export const nullAio = nullDriver('null-aio')

function nullDriver(name: string): Driver {
  return defineDriver({
    name,
    kind: 'protocol',
    doc: 'Discards writes. Reads return zeroes; read-zeroes says that they do.',
    options: {
      size: opt.int({
        optional: true,
        bytes: true,
        doc: 'Virtual disk size in bytes; default 1 GiB.',
      }),
      'latency-ns': opt.uint64({ optional: true, doc: 'Delay before each request completes.' }),
      'read-zeroes': opt.bool({ optional: true, doc: 'Whether reads return zeroes.' }),
    },
    children: {},
    strongOptions: ['size', 'read-zeroes'],
    waitsForNobody: name === 'null-co',
    prefixes: { [name]: (filename) => optionsInName(name, filename) },
    filename: ({ given }) => (Object.keys(given).length === 0 ? `${name}://` : undefined),
    open({ options, services }): Instance {
      const size = checkSize(checkNotNegative('size', options.size) ?? DEFAULT_SIZE)
      const latencyNs = checkLatency(options['latency-ns'] ?? 0)
      const readZeroes = options['read-zeroes'] === true
      const pause = (): MaybePromise<void> => sleep(services.clock, latencyNs)
      return {
        length: () => size,
        read(_offset, into) {
          // Without read-zeroes 7.2 leaves what was there. Here that would be what others have read before.
          into.fill(0)
          return pause()
        },
        write: pause,
        zero: pause,
        flush: pause,
        status: (offset, bytes): BlockStatus => ({
          bytes,
          // Without that it knows nothing, and what is below an overlay's hole is not stored here.
          allocated: readZeroes,
          data: false,
          zero: readZeroes,
          offset,
        }),
        info: () => ({ allocatedBytes: 0 }),
        reopen: () => ({}),
        supports: { fua: true, unchanged: true, fastZero: false },
      }
    },
  })
}

/** The name says nothing but which driver it means. */
function optionsInName(name: string, filename: string): NodeDescription {
  if (filename === `${name}://`) return {}
  throw new BlockError(`The only allowed filename for this driver is '${name}://'`)
}

/** What no node can be as long as is refused with the node's length, in QEMU's words. */
function checkSize(size: number): number {
  return size > MAX_LENGTH ? size : checkKeepable('size', size)
}

/** The wire type is unsigned; a negative number stands for one above 2^63. */
function checkLatency(latencyNs: number): number {
  if (latencyNs < 0) throw new BlockError('latency-ns is invalid')
  return latencyNs
}
