/** `blklogwrites`: writes a log of all that changes a node, from which crashes can be replayed. */
import { type Child, defineDriver, infoBelow, type Instance } from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import { CONSISTENT_READ, RESIZE, WRITE } from '../../block/permission.ts'
import { assert } from '../../util/assert.ts'
import { andFinally, type MaybePromise } from '../../util/async.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { FLAG } from './format.ts'
import { checkSectorSize, createLog, findEnd, freshEnd, type Log, type LogEntry } from './log.ts'

const DEFAULT_SECTOR_BYTES = 512
const DEFAULT_INTERVAL = 4096

export const blklogwrites = defineDriver({
  name: 'blklogwrites',
  kind: 'filter',
  doc: 'Logs every write, zeroing, discard and flush of a node to another one.',
  options: {
    'log-sector-size': opt.uint32({
      optional: true,
      doc: 'Sector size of the log and of requests; default 512.',
    }),
    'log-append': opt.bool({ optional: true, doc: 'Go on with the log that is there.' }),
    'log-super-update-interval': opt.uint64({
      optional: true,
      doc: 'Entries after which the superblock is written; default 4096.',
    }),
  },
  children: {
    file: { doc: 'The node whose writes are logged.', role: { filtered: true, primary: true } },
    log: { doc: 'Where the log goes.', role: { metadata: true } },
  },
  memberOrder: ['file', 'log', 'log-sector-size', 'log-append', 'log-super-update-interval'],
  strongOptions: ['log-append', 'log-sector-size'],
  claims({ childName, above, readOnly }) {
    if (childName === 'file') return above
    const writes = readOnly ? 0 : WRITE | RESIZE
    return {
      uses: above.uses | CONSISTENT_READ | writes,
      shares: above.shares & ~(WRITE | RESIZE),
    }
  },
  async open({ options, children }) {
    const file = children.get('file')
    const target = children.get('log')
    assert(file !== undefined && target !== undefined, 'blklogwrites opens with its children')
    const append = options['log-append'] === true
    const sectorBytes = options['log-sector-size']
    if (append && sectorBytes !== undefined) {
      throw new BlockError('log-append and log-sector-size are mutually exclusive')
    }
    if (!append) checkSectorSize(sectorBytes ?? DEFAULT_SECTOR_BYTES)
    const end = append ? await findEnd(target) : freshEnd(sectorBytes ?? DEFAULT_SECTOR_BYTES)
    const interval = BigInt.asUintN(
      64,
      BigInt(options['log-super-update-interval'] ?? DEFAULT_INTERVAL),
    )
    if (interval === 0n) throw new BlockError('Invalid log superblock update interval 0')
    return logged(file, createLog(target, end, interval))
  },
})

function logged(file: Child, log: Log): Instance {
  /** The log tells of failed requests too; what the caller hears first is a failure of the log. */
  const after = (request: () => MaybePromise<void>, entry: LogEntry): MaybePromise<void> =>
    andFinally(request, () => log.append(entry))
  return {
    length: () => file.length(),
    limits: () => ({ requestAlignment: log.sectorBytes }),
    read: (offset, into, flags) => file.read(offset, into, flags),
    write: (offset, data, flags) =>
      after(() => file.write(offset, data, flags), {
        offset,
        bytes: data.length,
        flags: flags.fua === true ? FLAG.fua : 0n,
        data,
      }),
    zero(offset, bytes, flags) {
      const entry = { offset, bytes, flags: 0n, data: 'zeroes' } as const
      // Whether storage may go is nothing that it hands on.
      const { mayUnmap: _, ...others } = flags
      return after(() => file.zero(offset, bytes, others), entry)
    },
    discard(offset, bytes) {
      // The log cannot tell of parts of sectors, and nothing has to come of a discard.
      if (offset % log.sectorBytes !== 0 || bytes % log.sectorBytes !== 0) {
        throw ioError('ENOTSUP')
      }
      const entry = { offset, bytes, flags: FLAG.discard }
      return after(() => file.discard(offset, bytes), entry)
    },
    flushToDisk: () => after(() => file.flush(), { offset: 0, bytes: 0, flags: FLAG.flush }),
    status: (offset, bytes, query) => file.status(offset, bytes, query),
    truncate: (bytes, options) => file.truncate(bytes, options),
    info: () => infoBelow(file),
    supports: { unchanged: true, fastZero: false },
  }
}
