/** The options of the `nbd` driver: their declaration, and what is refused before connecting. */
import type { Services } from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import { ADDRESS_MEMBERS, ADDRESS_TYPE } from '../../block/socket-address.ts'
import { checkKind } from '../../nbd/address.ts'
import { checkCredentials } from '../../nbd/credentials.ts'
import { MAX_STRING_BYTES } from '../../nbd/limits.ts'
import { encodeText } from '../../nbd/text.ts'
import { BlockError } from '../../util/errors.ts'

const SERVER = opt.of<Readonly<Record<string, unknown>>>({
  kind: 'union',
  name: 'SocketAddress',
  tag: 'type',
  base: { type: ADDRESS_TYPE({ doc: 'Kind of address.' }) },
  variants: ADDRESS_MEMBERS,
})

export const NBD_OPTIONS = {
  server: SERVER({ doc: 'Where the server listens.' }),
  export: opt.str({ optional: true, doc: 'Name of the export; default empty.' }),
  'tls-creds': opt.str({ optional: true, doc: 'Id of TLS credentials.' }),
  'tls-hostname': opt.str({
    optional: true,
    doc: "Name in the server's certificate; means nothing without credentials.",
  }),
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
} as const

export interface NbdOptions {
  readonly server: Readonly<Record<string, unknown>>
  readonly export: string | undefined
  readonly 'tls-creds': string | undefined
  readonly 'x-dirty-bitmap': string | undefined
  readonly 'reconnect-delay': number | undefined
  readonly 'open-timeout': number | undefined
}

/** What is refused before anybody looks where the server is. */
export function checkNbdOptions(
  options: NbdOptions,
  services: Pick<Services, 'object'>,
  withinOpening: boolean | undefined,
): void {
  checkKind(options.server, withinOpening)
  if (isTooLong(options.export)) throw new BlockError('export name too long to send to server')
  checkCredentials(options['tls-creds'], (type, id) => services.object(type, id))
  if (isTooLong(options['x-dirty-bitmap'])) {
    throw new BlockError('x-dirty-bitmap query too long to send to server')
  }
}

function isTooLong(text: string | undefined): boolean {
  return text !== undefined && encodeText(text).length > MAX_STRING_BYTES
}
