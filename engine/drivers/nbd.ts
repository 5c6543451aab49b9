/** `nbd`: a protocol node whose storage is an export of an NBD server. */
import type { BlockStatus, Instance, Limits } from '../block/driver.ts'
import { defineDriver } from '../block/driver.ts'
import { STORAGE_OPTIONS } from '../block/image-options.ts'
import { addressText, hostAddress } from '../nbd/address.ts'
import type { NbdClient } from '../nbd/client.ts'
import { BASE_ALLOCATION, EXPORT_FLAG, STATUS } from '../nbd/constants.ts'
import { MAX_PAYLOAD_BYTES } from '../nbd/limits.ts'
import { alignDown } from '../util/align.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { Connection } from './nbd/connection.ts'
import { describeNbdName } from './nbd/filename.ts'
import { checkNbdOptions, NBD_OPTIONS } from './nbd/options.ts'

/** Lengths of requests without data are signed 32-bit numbers in the real program. */
const MAX_PLAIN_BYTES = 2 ** 31 - 1

export const nbd = defineDriver({
  name: 'nbd',
  kind: 'protocol',
  doc: 'An export of an NBD server.',
  options: NBD_OPTIONS,
  children: {},
  strongOptions: ['server', 'export'],
  prefixes: {
    nbd: describeNbdName,
    'nbd+tcp': describeNbdName,
    'nbd+unix': describeNbdName,
  },
  filename: ({ given, options }) => {
    const address = hostAddress(options.server)
    if (address.type === 'vsock') return undefined
    const path = given['export'] === undefined ? '' : `/${options.export ?? ''}`
    return address.type === 'unix'
      ? `nbd+unix://${path}?socket=${address.path}`
      : `nbd://${addressText(address)}${path}`
  },
  imageOptions: STORAGE_OPTIONS,
  async open({ options, node, services, withinOpening }) {
    checkNbdOptions(options, services, withinOpening)
    const context = options['x-dirty-bitmap'] ?? BASE_ALLOCATION
    const connection = await Connection.open(services, {
      address: hostAddress(options.server),
      export: options.export ?? '',
      context,
      reconnectSeconds: options['reconnect-delay'] ?? 0,
      openSeconds: options['open-timeout'] ?? 0,
    })
    if (options['x-dirty-bitmap'] !== undefined && connection.info.metaContexts.length === 0) {
      await connection.close()
      throw BlockError.system('Could not open image', 'EINVAL')
    }
    if (connection.info.readOnly && !node.flags.readOnly) {
      try {
        node.fallBackToReadOnly('Could not open image: Permission denied')
      } catch (error) {
        await connection.close()
        throw error
      }
    }
    return instanceOver(connection)
  },
})

function instanceOver(connection: Connection): Instance {
  const { info } = connection
  const has = (flag: keyof typeof EXPORT_FLAG): boolean => (info.flags & EXPORT_FLAG[flag]) !== 0
  const request = <T>(work: (client: NbdClient) => Promise<T>): Promise<T> =>
    connection.request(work)
  return {
    length: () => info.size,
    read: (offset, into) =>
      into.length === 0
        ? undefined
        : request((client) => client.readInto(offset, into, { pieces: true })),
    write: (offset, data, { fua = false }) =>
      request((client) => client.write(offset, data, { fua: fua && has('fua') })),
    zero: (offset, bytes, { fua = false, mayUnmap = false, noFallback = false }) => {
      if (!has('writeZeroes')) throw ioError('ENOTSUP')
      const flags = { fua: fua && has('fua'), noHole: !mayUnmap, fast: noFallback }
      return request((client) => client.zero(offset, bytes, flags))
    },
    discard: (offset, bytes) => {
      if (!has('trim') || bytes === 0) return
      return request((client) => client.trim(offset, bytes))
    },
    truncate(bytes, { exact = true } = {}) {
      if (exact && bytes !== info.size) {
        throw new BlockError('Cannot resize NBD nodes', { errno: 'ENOTSUP' })
      }
      if (bytes > info.size) throw new BlockError('Cannot grow NBD nodes', { errno: 'EINVAL' })
    },
    flush: () => (has('flush') ? request((client) => client.flush()) : undefined),
    status: (offset, bytes) => request((client) => statusOf(client, offset, bytes)),
    limits: (): Partial<Limits> => ({
      requestAlignment: info.minimumBlock,
      maxTransfer: alignDown(Math.min(info.maximumPayload, MAX_PAYLOAD_BYTES), info.minimumBlock),
      optimalTransfer: info.preferredBlock,
      maxZero: alignDown(MAX_PLAIN_BYTES, info.minimumBlock),
      maxDiscard: alignDown(MAX_PLAIN_BYTES, info.minimumBlock),
    }),
    reopen({ flags }) {
      if (info.readOnly && !flags.readOnly) {
        throw new BlockError("Can't reopen read-only NBD mount as read/write", { errno: 'EACCES' })
      }
      return {}
    },
    supports: {
      fua: has('fua'),
      unchanged: true,
      unmapZero: has('writeZeroes'),
      fastZero: has('fastZero'),
    },
    close: () => connection.close(),
  }
}

async function statusOf(client: NbdClient, offset: number, bytes: number): Promise<BlockStatus> {
  const all = { bytes, allocated: true, data: true, zero: false, offset }
  if (client.info.metaContexts.length === 0) return all
  const [status] = await client.blockStatus(offset, bytes, { one: true })
  const extent = status?.extents[0]
  if (extent === undefined) return all
  return {
    bytes: extent.bytes,
    allocated: true,
    data: (extent.flags & STATUS.hole) === 0,
    zero: (extent.flags & STATUS.zero) !== 0,
    offset,
  }
}
