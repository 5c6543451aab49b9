/** `nbd`: a protocol node whose storage is an export of an NBD server. */
import type { BlockStatus, Instance, Limits } from '../block/driver.ts'
import { defineDriver } from '../block/driver.ts'
import { opt } from '../block/option.ts'
import type { SocketAddress } from '../host/host.ts'
import { addressText, portNumber } from '../nbd/address.ts'
import type { NbdClient } from '../nbd/client.ts'
import { BASE_ALLOCATION, EXPORT_FLAG, STATUS } from '../nbd/constants.ts'
import { MAX_PAYLOAD_BYTES, MAX_STRING_BYTES } from '../nbd/limits.ts'
import { encodeText } from '../nbd/text.ts'
import { alignDown } from '../util/align.ts'
import { BlockError, ioError } from '../util/errors.ts'
import { Connection } from './nbd/connection.ts'

/** Lengths of requests without data are signed 32-bit numbers in the real program. */
const MAX_PLAIN_BYTES = 2 ** 31 - 1

interface Server {
  readonly type: string
  readonly host?: string
  readonly port?: string
  readonly path?: string
}

const SERVER = opt.of<Server>({
  kind: 'union',
  name: 'SocketAddress',
  tag: 'type',
  base: {
    type: opt.enum('SocketAddressType', ['inet', 'unix'])({ doc: 'Kind of address.' }),
  },
  variants: {
    inet: {
      host: opt.str({ doc: 'Host name or address.' }),
      port: opt.str({ doc: 'Port number.' }),
    },
    unix: { path: opt.str({ doc: 'Path of the socket.' }) },
  },
})

export const nbd = defineDriver({
  name: 'nbd',
  kind: 'protocol',
  doc: 'An export of an NBD server.',
  options: {
    server: SERVER({ doc: 'Where the server listens.' }),
    export: opt.str({ optional: true, doc: 'Name of the export; default empty.' }),
    'tls-creds': opt.str({ optional: true, doc: 'Id of TLS credentials.' }),
    'tls-hostname': opt.str({ optional: true, doc: "Name in the server's certificate." }),
    'x-dirty-bitmap': opt.str({
      optional: true,
      features: ['unstable'],
      doc: 'Meta context to show in place of allocation.',
    }),
    'reconnect-delay': opt.uint32({
      optional: true,
      doc: 'Seconds for which requests wait for a lost server; default 0.',
    }),
    'open-timeout': opt.uint32({
      optional: true,
      doc: 'Seconds for which opening tries again to connect; default 0.',
    }),
  },
  children: {},
  strongOptions: ['server', 'export'],
  filename: ({ given, options }) => {
    const address = addressOf(options.server)
    const path = given['export'] === undefined ? '' : `/${options.export ?? ''}`
    return address.type === 'unix'
      ? `nbd+unix://${path}?socket=${address.path}`
      : `nbd://${addressText(address)}${path}`
  },
  async open({ options, node, services }) {
    checkOptions(options)
    const connection = await Connection.open(services, {
      address: addressOf(options.server),
      export: options.export ?? '',
      reconnectSeconds: options['reconnect-delay'] ?? 0,
      openSeconds: options['open-timeout'] ?? 0,
    })
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

function addressOf(server: Server): SocketAddress {
  const { path, host = '', port = '' } = server
  return path === undefined
    ? { type: 'inet', host, port: portNumber(host, port) }
    : { type: 'unix', path }
}

function checkOptions(options: {
  readonly export: string | undefined
  readonly 'tls-creds': string | undefined
  readonly 'tls-hostname': string | undefined
  readonly 'x-dirty-bitmap': string | undefined
}): void {
  if (options.export !== undefined && encodeText(options.export).length > MAX_STRING_BYTES) {
    throw new BlockError('export name too long to send to server')
  }
  const bitmap = options['x-dirty-bitmap']
  if (bitmap !== undefined && encodeText(bitmap).length > MAX_STRING_BYTES) {
    throw new BlockError('x-dirty-bitmap query too long to send to server')
  }
  const creds = options['tls-creds']
  if (creds !== undefined) throw new BlockError(`No TLS credentials with id '${creds}'`)
  for (const name of ['tls-hostname', 'x-dirty-bitmap'] as const) {
    if (options[name] !== undefined) throw new BlockError(`${name} of nbd: not built yet`)
  }
}

function instanceOver(connection: Connection): Instance {
  const { info } = connection
  const has = (flag: keyof typeof EXPORT_FLAG): boolean => (info.flags & EXPORT_FLAG[flag]) !== 0
  const request = <T>(work: (client: NbdClient) => Promise<T>): Promise<T> =>
    connection.request(work)
  return {
    length: () => info.size,
    read: (offset, into) => request((client) => client.readInto(offset, into, { pieces: true })),
    write: (offset, data, { fua = false }) =>
      request((client) => client.write(offset, data, { fua: fua && has('fua') })),
    zero: (offset, bytes, { fua = false, mayUnmap = false, noFallback = false }) => {
      if (!has('writeZeroes') || (noFallback && !has('fastZero'))) throw ioError('ENOTSUP')
      const flags = { fua: fua && has('fua'), noHole: !mayUnmap, fast: noFallback }
      return request((client) => client.zero(offset, bytes, flags))
    },
    discard: (offset, bytes) => {
      if (!has('trim') || bytes === 0) return
      return request((client) => client.trim(offset, bytes))
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
    supports: { fua: has('fua'), unchanged: true },
    close: () => connection.close(),
  }
}

async function statusOf(client: NbdClient, offset: number, bytes: number): Promise<BlockStatus> {
  const all = { bytes, allocated: true, data: true, zero: false, offset }
  if (!client.info.metaContexts.includes(BASE_ALLOCATION)) return all
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
