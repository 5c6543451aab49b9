/** File names of remote files: `ssh://[USER@]HOST[:PORT]/PATH[?host_key_check=CHECK]`. */
import type { NamingQuery, NodeDescription } from '../../block/driver.ts'
import { BlockError } from '../../util/errors.ts'
import type { SshOptions } from './options.ts'

const DEFAULT_PORT = 22
const MAX_PORT = 65535

/** Options that say what a file name says too. */
const IN_NAME = ['user', 'host', 'port', 'path', 'host_key_check']

const LETTER = "[A-Za-z0-9\\-._~!*'();:&=+$,]|%[0-9A-Fa-f]{2}"
const NAME = `(?:${LETTER})*`
const PATH = `(?:${LETTER}|[@/])*`
const QUERY = `(?:${LETTER}|[@/?])*`

const URI = new RegExp(
  `^([A-Za-z][A-Za-z0-9+\\-.]*):(?://(?:(${NAME})@)?(\\[[^\\]/?#]*\\]|(?:(?!:)(?:${LETTER}))*)` +
    `(?::([0-9]+))?(?=[/?#]|$)|(?!//))(${PATH})(?:\\?(${QUERY}))?(?:#${QUERY})?$`,
)

/**
 * @param given - Names of the options that stand beside the file name.
 * @returns nothing for what is no URI at all.
 * @throws {BlockError} for names of nothing, and where an option says what a name is to say.
 */
export function describeSshName(filename: string, given: readonly string[]): NodeDescription {
  const other = given.find((option) => IN_NAME.includes(option) || option.startsWith('server.'))
  if (other !== undefined) throw new BlockError(`Option '${other}' cannot be used with a file name`)
  const [whole, scheme, user = '', host = '', digits, path = '', query] = URI.exec(filename) ?? []
  const port = Number(digits ?? 0)
  if (whole === undefined || port > MAX_PORT) return {}
  if (scheme !== 'ssh') throw new BlockError("URI scheme must be 'ssh'")
  if (host === '') throw new BlockError('missing hostname in URI')
  if (path === '') throw new BlockError('missing remote path in URI')
  const check = checkIn(query)
  return {
    ...(user === '' ? {} : { user: decoded(user) }),
    host: decoded(host),
    port: String(port === 0 ? DEFAULT_PORT : port),
    path: decoded(path),
    ...(check === undefined ? {} : { host_key_check: check }),
  }
}

/** The last one counts. What else a query has is nobody's business. */
function checkIn(query: string | undefined): string | undefined {
  const parts = (query ?? '').split(/[&;]/).map((part) => {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/.exec(part) ?? []
    return [decoded(name), decoded(value)] as const
  })
  return parts.findLast(([name]) => name === 'host_key_check')?.[1]
}

/** Bytes that are no text are no name of anything either. */
function decoded(text: string): string {
  const bytes = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}

/** The same the other way round; nothing where the name would not say all. */
export function sshName({ given, options, found }: NamingQuery<SshOptions>): string | undefined {
  const { host, port, ...further } = options.server
  const { user } = found
  if (user === undefined || Object.keys(further).length > 0) return undefined
  const check = given['host_key_check']
  const query = typeof check === 'string' ? `?host_key_check=${check}` : ''
  return `ssh://${user}@${host}:${port}${options.path}${query}`
}
