/** The options of the `ssh` driver, and older ones that file names and command lines still have. */
import type { Legacy } from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import { ADDRESS_SHAPES } from '../../block/socket-address.ts'
import { BlockError } from '../../util/errors.ts'

export const HASHES = ['md5', 'sha1', 'sha256'] as const

export type HashName = (typeof HASHES)[number]

/** How to tell that the server is the right one. */
export type HostKeyCheck =
  | { readonly mode: 'none' | 'known_hosts' }
  | { readonly mode: 'hash'; readonly type: HashName; readonly hash: string }

/** Where a server listens. */
export interface Server {
  readonly host: string
  readonly port: string
}

const SERVER = opt.of<Server & Readonly<Record<string, unknown>>>(ADDRESS_SHAPES.inet)
const MODE = opt.enum('SshHostKeyCheckMode', ['none', 'hash', 'known_hosts'])
const HASH_TYPE = opt.enum('SshHostKeyCheckHashType', HASHES)

const HOST_KEY_CHECK = opt.of<HostKeyCheck>({
  kind: 'union',
  name: 'SshHostKeyCheck',
  tag: 'mode',
  base: { mode: MODE({ doc: 'What the key of the server is compared with.' }) },
  variants: {
    hash: {
      type: HASH_TYPE({ doc: 'Kind of the fingerprint.' }),
      hash: opt.str({ doc: 'The fingerprint in hexadecimal, with or without colons.' }),
    },
  },
})

export const SSH_OPTIONS = {
  server: SERVER({ doc: 'Where the server listens.' }),
  path: opt.str({ doc: 'Path of the file on the server.' }),
  user: opt.str({ optional: true, doc: 'Who logs in; default the user of this process.' }),
  'host-key-check': HOST_KEY_CHECK({
    optional: true,
    doc: 'How to tell that the server is the right one; default by the known hosts.',
  }),
} as const

export interface SshOptions {
  readonly server: Server & Readonly<Record<string, unknown>>
  readonly path: string
  readonly user: string | undefined
  readonly 'host-key-check': HostKeyCheck | undefined
}

const DEFAULT_PORT = '22'

export const SSH_LEGACY: Legacy = {
  names: ['host', 'port', 'host_key_check'],
  translate(options) {
    const take = (name: string): string | undefined => {
      const value = options.get(name)
      options.delete(name)
      return wordOf(value)
    }
    const [host, port, check] = [take('host'), take('port'), take('host_key_check')]
    if (port !== undefined) checkNumber(port)
    if (host === undefined && port !== undefined) {
      throw new BlockError('port may not be used without host')
    }
    if (host !== undefined) {
      options.set('server.host', host)
      options.set('server.port', port ?? DEFAULT_PORT)
    }
    if (check !== undefined) translateCheck(check, options)
  },
}

/** What holds others is no word, and so not seen. */
function wordOf(value: unknown): string | undefined {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return typeof value === 'number' ? String(value) : typeof value === 'string' ? value : undefined
}

/** Decimal, octal or hexadecimal; what becomes of it is another matter. */
function checkNumber(port: string): void {
  const [, digits] = /^\s*[+-]?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.exec(port) ?? []
  if (digits === undefined) throw new BlockError("Parameter 'port' expects a number")
  if (Number(digits) < 2 ** 64) return
  throw new BlockError(`Value '${port}' is too large for parameter 'port'`)
}

/** `no`, `yes`, or the kind of a fingerprint, a colon, and the fingerprint. */
function translateCheck(check: string, options: Map<string, unknown>): void {
  const type = HASHES.find((name) => check.startsWith(`${name}:`))
  if (type !== undefined) {
    options.set('host-key-check.mode', 'hash')
    options.set('host-key-check.type', type)
    options.set('host-key-check.hash', check.slice(type.length + 1))
  } else if (check === 'no') options.set('host-key-check.mode', 'none')
  else if (check === 'yes') options.set('host-key-check.mode', 'known_hosts')
  else throw new BlockError(`unknown host_key_check setting (${check})`)
}
