/** `blkverify`: does every request twice and ends the program where the outcomes differ. */
import {
  type Child,
  defineDriver,
  infoBelow,
  type InstanceInfo,
  type NodeDescription,
  type Services,
} from '../block/driver.ts'
import { RESIZE, WRITE, WRITE_UNCHANGED } from '../block/permission.ts'
import { assert } from '../util/assert.ts'
import type { MaybePromise } from '../util/async.ts'
import { firstDifference } from '../util/bytes.ts'
import { BlockError, errnoNumber, ioError, type Errno } from '../util/errors.ts'

export const blkverify = defineDriver({
  name: 'blkverify',
  kind: 'filter',
  doc: 'Compares what a node under test does with what a raw copy does.',
  options: {},
  children: {
    raw: {
      doc: 'The copy that is right.',
      role: { filtered: true, primary: true },
      nameOption: 'x-raw',
    },
    test: { doc: 'The node under test.', role: { data: true }, nameOption: 'x-image' },
  },
  memberOrder: ['test', 'raw'],
  agreement: 'compare',
  prefixes: { blkverify: takeApart },
  filename: ({ children }) => {
    const raw = children.get('raw')
    const test = children.get('test')
    return raw === undefined || test === undefined ? undefined : `blkverify:${raw}:${test}`
  },
  claims({ childName, above }) {
    if (childName === 'raw') return above
    // A format may need to write, and to grow, for data that stay the same, and nobody else may
    // change its length.
    const grows = (above.uses & (WRITE | WRITE_UNCHANGED)) !== 0 ? WRITE | RESIZE : 0
    return { uses: above.uses | grows, shares: above.shares & ~RESIZE }
  },
  open({ children, services }) {
    const raw = children.get('raw')
    const test = children.get('test')
    assert(raw !== undefined && test !== undefined, 'blkverify opens with its children attached')
    return {
      length: () => test.length(),
      async read(offset, into) {
        const copy = new Uint8Array(into.length)
        const about: Request = { what: 'read', offset, bytes: into.length }
        await both(
          services,
          about,
          () => test.read(offset, into),
          () => raw.read(offset, copy),
        )
        const index = firstDifference(into, copy)
        if (index !== undefined) {
          stop(services, about, `contents mismatch at offset ${String(offset + index)}`)
        }
      },
      write: (offset, data, flags) =>
        both(
          services,
          { what: 'write', offset, bytes: data.length },
          () => test.write(offset, data, flags),
          () => raw.write(offset, data, flags),
        ),
      // The copy is only there to compare with: nobody needs it on disk.
      flush: () => test.flush(),
      status: (offset, bytes, query) =>
        offset < raw.length()
          ? raw.status(offset, bytes, query)
          : { bytes, allocated: true, data: true, zero: false },
      truncate: (bytes, options) => raw.truncate(bytes, options),
      info: () => shownInfo(raw),
      supports: { unchanged: true },
    }
  },
})

/** `blkverify:RAW:TEST` */
function takeApart(filename: string): NodeDescription {
  const prefix = 'blkverify:'
  // Without the prefix the other one is among the options already.
  if (!filename.startsWith(prefix)) return { 'x-image': filename }
  const rest = filename.slice(prefix.length)
  const colon = rest.indexOf(':')
  if (colon < 0) throw new BlockError('blkverify requires raw copy and original image path')
  return { 'x-raw': rest.slice(0, colon), 'x-image': rest.slice(colon + 1) }
}

/** Space is counted by nobody for a node that stores everything twice. */
function shownInfo(raw: Child): InstanceInfo {
  const { allocatedBytes: _, ...info } = infoBelow(raw)
  return info
}

interface Request {
  readonly what: 'read' | 'write'
  readonly offset: number
  readonly bytes: number
}

/** Both requests at once, which must succeed or fail alike. */
async function both(
  services: Services,
  about: Request,
  test: () => MaybePromise<void>,
  raw: () => MaybePromise<void>,
): Promise<void> {
  const [tested, right] = await Promise.all([outcome(test), outcome(raw)])
  if (tested !== right) {
    const codes = `${returnCode(tested)} != ${returnCode(right)}`
    stop(services, about, `return value mismatch ${codes}`)
  }
  if (tested !== undefined) throw ioError(tested)
}

async function outcome(request: () => MaybePromise<void>): Promise<Errno | undefined> {
  try {
    await request()
    return undefined
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return error.errno
  }
}

function returnCode(errno: Errno | undefined): string {
  return errno === undefined ? '0' : String(-errnoNumber(errno))
}

function stop(services: Services, { what, offset, bytes }: Request, difference: string): never {
  services.log(
    `blkverify: ${what} offset=${String(offset)} bytes=${String(bytes)} ${difference}`,
    'bare',
  )
  services.exit(1)
  throw ioError('EIO')
}
