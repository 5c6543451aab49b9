/** File names of NBD exports: `nbd:HOST:PORT`, `nbd:unix:PATH`, and the URLs of the protocol. */
import type { NodeDescription } from '../../block/driver.ts'
import { BlockError } from '../../util/errors.ts'

const EXPORT_NAME = ':exportname='
const DEFAULT_PORT = '10809'

/** Options that say what a file name says too. */
const IN_NAME = ['host', 'port', 'path', 'export']

/**
 * @param given - Names of the options that stand beside the file name.
 * @throws {BlockError} for names of nothing, and where an option says what a name is to say.
 */
export function describeNbdName(filename: string, given: readonly string[]): NodeDescription {
  const other = given.find((option) => IN_NAME.includes(option) || option.startsWith('server.'))
  if (other !== undefined) throw new BlockError(`Option '${other}' cannot be used with a file name`)
  return filename.includes('://') ? describeUrl(filename) : describePlain(filename)
}

/** `nbd:unix:PATH` or `nbd:HOST:PORT`, either with `:exportname=NAME`. */
function describePlain(filename: string): NodeDescription {
  if (!filename.startsWith('nbd:')) {
    throw new BlockError("File name string for NBD must start with 'nbd:'")
  }
  const at = filename.indexOf(EXPORT_NAME)
  const address = filename.slice('nbd:'.length, at < 0 ? undefined : at)
  const name = at < 0 ? {} : { export: filename.slice(at + EXPORT_NAME.length) }
  if (address === '' || name.export === '') throw new BlockError('NBD server address missing')
  if (address.startsWith('unix:')) {
    return { server: { type: 'unix', path: address.slice('unix:'.length) }, ...name }
  }
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(.*)$/s.exec(address) ?? []
  if (port === undefined) throw new BlockError(`error parsing address '${address}'`)
  return { server: { type: 'inet', host: bracketed ?? plain ?? '', port }, ...name }
}

/** `nbd://HOST[:PORT]/NAME` and `nbd+unix:///NAME?socket=PATH`. */
function describeUrl(filename: string): NodeDescription {
  const [, scheme, authority = '', path = '', query] =
    /^([^:]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/s.exec(filename) ?? []
  const name = decoded(path.replace(/^\//, ''))
  const named = name === '' ? {} : { export: name }
  if (scheme === 'nbd+unix') {
    const parts = query === undefined ? [] : query.split('&')
    const socket = /^socket=(.*)$/s.exec(parts[0] ?? '')?.[1]
    if (authority !== '' || socket === undefined || parts.length !== 1) throw invalidUrl()
    return { server: { type: 'unix', path: decoded(socket) }, ...named }
  }
  const [, bracketed, plain, port = DEFAULT_PORT] =
    /^(?:[^@]*@)?(?:\[([^\]]*)\]|([^:[\]]*))(?::([0-9]*))?$/.exec(authority) ?? []
  const host = bracketed ?? plain ?? ''
  if (host === '' || query !== undefined || Number(port) > MAX_PORT) throw invalidUrl()
  return {
    server: { type: 'inet', host: decoded(host), port: port === '' ? DEFAULT_PORT : port },
    ...named,
  }
}

const MAX_PORT = 65535

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidUrl()
  }
}

function invalidUrl(): BlockError {
  return new BlockError('No valid URL specified')
}
