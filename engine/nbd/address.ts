/** Socket addresses in messages, and what is refused before anybody tries to use them. */
import type { SocketAddress } from '../host/host.ts'
import { BlockError } from '../util/errors.ts'

/** Bytes that fit into the system's structure for a unix socket's path, with its terminator. */
const UNIX_PATH_BYTES = 108

/** `PATH` or `HOST:PORT`. */
export function addressText(address: SocketAddress): string {
  if (address.type === 'unix') return address.path
  return `${address.host}:${address.portText ?? String(address.port)}`
}

/**
 * The host's address for the members of a `SocketAddress`.
 *
 * @throws {BlockError} for what does not make sense, and for kinds that no host of ours has.
 */
export function hostAddress(given: Readonly<Record<string, unknown>>): SocketAddress {
  const text = (name: string): string => {
    const value = given[name]
    return typeof value === 'string' ? value : ''
  }
  switch (given['type']) {
    case 'unix': {
      const path = text('path')
      if (given['abstract'] !== true) return { type: 'unix', path }
      return { type: 'unix', path, abstract: given['tight'] === false ? 'loose' : 'tight' }
    }
    case 'vsock':
      for (const name of ['cid', 'port']) {
        if (!/^[0-9]+$/.test(text(name))) {
          throw new BlockError(`Failed to parse ${name} '${text(name)}'`)
        }
      }
      throw new BlockError(
        `Failed to connect to '${text('cid')}:${text('port')}': vsock addresses are not built; ` +
          'they need sockets that the platform does not offer',
      )
    case 'fd':
      throw new BlockError('only QEMU supports file descriptor passing')
    default:
      return inetAddress(given, text('host'), text('port'))
  }
}

function inetAddress(
  given: Readonly<Record<string, unknown>>,
  host: string,
  portText: string,
): SocketAddress {
  const { ipv4, ipv6, to } = given
  if (ipv4 === false && ipv6 === false) {
    throw new BlockError('Cannot disable IPv4 and IPv6 at same time')
  }
  const port = portNumber(host, portText)
  const only4 = ipv6 === false || (ipv4 === true && ipv6 !== true)
  const only6 = ipv4 === false || (ipv6 === true && ipv4 !== true)
  // An address says itself what it is, and wishes for more than one version change nothing.
  const family = only4 ? { family: 4 as const } : only6 ? { family: 6 as const } : {}
  return {
    type: 'inet',
    host,
    port,
    portText,
    ...(/^[0-9.]+$/.test(host) ? {} : family),
    ...(given['keep-alive'] === true ? { keepAlive: true } : {}),
    ...(typeof to === 'number' ? { lastPort: to } : {}),
  }
}

/**
 * The number of a port given as text. Too large a number wraps round, as in the real programs.
 *
 * @throws {BlockError} for anything but digits; names of services are not looked up.
 */
export function portNumber(host: string, port: string): number {
  if (/^[0-9]*$/.test(port)) return Number(port) % 2 ** 16
  throw new BlockError(
    `address resolution failed for ${host}:${port}: Servname not supported for ai_socktype`,
  )
}

/** @throws {BlockError} when nobody can listen there. */
export function checkListenAddress(address: SocketAddress): void {
  checkAddress(address)
  if (address.type === 'inet' || address.path !== '') return
  throw new BlockError('a unix socket at a path of our choice: not built yet')
}

/** @throws {BlockError} when the path of a unix socket does not fit. */
export function checkAddress(address: SocketAddress): void {
  if (address.type === 'inet' || Buffer.byteLength(address.path) < UNIX_PATH_BYTES) return
  throw new BlockError(`UNIX socket path '${address.path}' is too long`, {
    hint: `Path must be less than ${String(UNIX_PATH_BYTES)} bytes`,
  })
}

/** A failed attempt to connect, as clients read it. */
export function connectFailure(address: SocketAddress, error: unknown): unknown {
  if (!(error instanceof BlockError)) return error
  return (
    resolutionFailure(address, error) ??
    BlockError.prepend(`Failed to connect to '${addressText(address)}'`, error)
  )
}

/** A failed attempt to listen, as clients read it. */
export function listenFailure(address: SocketAddress, error: unknown): unknown {
  if (!(error instanceof BlockError)) return error
  const context = (): string => {
    if (address.type === 'inet') {
      return error.errno === 'EADDRINUSE'
        ? 'Failed to find an available port'
        : 'Failed to bind socket'
    }
    // The path itself could not be freed, or nothing can be made there.
    return error.errno === 'EISDIR' || error.errno === 'EPERM'
      ? `Failed to unlink socket ${address.path}`
      : `Failed to bind socket to ${address.path}`
  }
  return resolutionFailure(address, error) ?? BlockError.prepend(context(), error)
}

function resolutionFailure(address: SocketAddress, error: BlockError): BlockError | undefined {
  if (error.errno !== 'ENXIO') return undefined
  return BlockError.prepend(`address resolution failed for ${addressText(address)}`, error)
}
