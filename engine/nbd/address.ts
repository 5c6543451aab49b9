/** Socket addresses in messages, and what is refused before anybody tries to use them. */
import type { SocketAddress } from '../host/host.ts'
import { UNKNOWN_SERVICE } from '../host/ports.ts'
import { BlockError, errnoText } from '../util/errors.ts'

/** Bytes that fit into the system's structure for a unix socket's path, with its terminator. */
const UNIX_PATH_BYTES = 108

/** `PATH`, `HOST:PORT` or `CID:PORT`. */
export function addressText(address: SocketAddress): string {
  if (address.type === 'unix') return address.path
  if (address.type === 'vsock') return address.text
  return `${address.host}:${address.portText ?? String(address.port)}`
}

/** What an address is for: names and versions of the protocol mean less to who connects. */
export type AddressUse = 'connect' | 'listen'

/**
 * The host's address for the members of a `SocketAddress`.
 *
 * @throws {BlockError} for what does not make sense, and for kinds that no host of ours has.
 */
export function hostAddress(
  given: Readonly<Record<string, unknown>>,
  use: AddressUse = 'connect',
): SocketAddress {
  const text = (name: string): string => {
    const value = given[name]
    return typeof value === 'string' ? value : ''
  }
  checkKind(given)
  switch (given['type']) {
    case 'unix': {
      const path = text('path')
      if (given['abstract'] !== true) return { type: 'unix', path }
      return { type: 'unix', path, abstract: given['tight'] === false ? 'loose' : 'tight' }
    }
    case 'vsock':
      return vsockAddress(text('cid'), text('port'))
    default:
      return inetAddress(given, text('host'), text('port'), use)
  }
}

/**
 * @param withinOpening - The `open` of a node above waits for the one that connects.
 * @throws {BlockError} for kinds that no host of ours has.
 */
export function checkKind(given: Readonly<Record<string, unknown>>, withinOpening = false): void {
  if (given['type'] !== 'fd') return
  // QEMU 7.2 has no monitor at hand there, whose descriptors have names, and takes it for a number.
  throw withinOpening
    ? new BlockError(whyNoSocket(String(given['str'])))
    : new BlockError('only QEMU supports file descriptor passing')
}

/** No descriptor of ours is a socket that somebody opened for this. */
function whyNoSocket(descriptor: string): string {
  if (!/^\s*[+-]?[0-9]+$/.test(descriptor)) return `Unable to parse FD number ${descriptor}`
  const number = Number(descriptor)
  return number >= -(2 ** 31) && number < 2 ** 31
    ? `File descriptor '${descriptor}' is not a socket`
    : `Unable to parse FD number ${descriptor}: ${errnoText('ERANGE')}`
}

function vsockAddress(cid: string, port: string): SocketAddress {
  const [cidNumber, portNumber] = [uint32('cid', cid), uint32('port', port)]
  return { type: 'vsock', cid: cidNumber, port: portNumber, text: `${cid}:${port}` }
}

function uint32(name: string, text: string): number {
  if (/^\s*\+?[0-9]+$/.test(text) && Number(text) < 2 ** 32) return Number(text)
  throw new BlockError(`Failed to parse ${name} '${text}'`)
}

function inetAddress(
  given: Readonly<Record<string, unknown>>,
  host: string,
  portText: string,
  use: AddressUse,
): SocketAddress {
  const { ipv4, ipv6, to, numeric } = given
  if (ipv4 === false && ipv6 === false) {
    throw new BlockError('Cannot disable IPv4 and IPv6 at same time')
  }
  const number = portOf(portText)
  const only4 = ipv6 === false || (ipv4 === true && ipv6 !== true)
  const only6 = ipv4 === false || (ipv6 === true && ipv4 !== true)
  const address: SocketAddress = {
    type: 'inet',
    host,
    port: number ?? 0,
    portText,
    ...(number === undefined ? { service: portText } : {}),
    ...(only4 ? { family: 4 } : only6 ? { family: 6 } : {}),
    ...(given['keep-alive'] === true ? { keepAlive: true } : {}),
    // Who connects looks names up however it is wished, and has one port.
    ...(typeof to === 'number' && use === 'listen' ? { lastPort: to } : {}),
  }
  const named = number === undefined || (host !== '' && !isNumeric(host))
  if (use === 'listen' && ((numeric === true && named) || (host === '' && portText === ''))) {
    throw unresolved(address, 'Name or service not known')
  }
  return address
}

/** Whether a host is given as an address. */
function isNumeric(host: string): boolean {
  return host.includes(':') || /^[0-9]+(\.[0-9]+)*$/.test(host)
}

/**
 * The number of a port given as text; absent for the name of a service. Too large a number wraps
 * round, and some that are larger still pass for names, as in the real programs.
 */
function portOf(text: string): number | undefined {
  if (text === '') return 0
  if (!/^\s*[+-]?[0-9]+$/.test(text)) return undefined
  const [value, most] = [BigInt(text.trim().replace('+', '')), 2n ** 64n - 1n]
  const wrapped = BigInt.asIntN(32, value > most || value < -most ? most : value)
  return wrapped < 0n ? undefined : Number(wrapped & 0xffffn)
}

/**
 * The number of a port given as text, as `hostAddress` reads it.
 *
 * @throws {BlockError} for names of services.
 */
export function portNumber(host: string, port: string): number {
  const number = portOf(port)
  if (number !== undefined) return number
  throw unresolved({ type: 'inet', host, port: 0, portText: port }, UNKNOWN_SERVICE)
}

/** @throws {BlockError} when the path of a unix socket does not fit. */
export function checkAddress(address: SocketAddress): void {
  if (address.type !== 'unix' || Buffer.byteLength(address.path) < UNIX_PATH_BYTES) return
  throw new BlockError(`UNIX socket path '${address.path}' is too long`, {
    hint: `Path must be less than ${String(UNIX_PATH_BYTES)} bytes\n`,
  })
}

/** A failed attempt to connect, as clients read it. */
export function connectFailure(address: SocketAddress, error: unknown): unknown {
  if (!(error instanceof BlockError)) return error
  return (
    familyFailure(address, 'Failed to create socket family 40', error) ??
    resolutionFailure(address, error) ??
    BlockError.prepend(`Failed to connect to '${addressText(address)}'`, error)
  )
}

/** A failed attempt to listen, as clients read it. */
export function listenFailure(address: SocketAddress, error: unknown): unknown {
  if (!(error instanceof BlockError)) return error
  const context = (): string => {
    if (address.type !== 'unix') {
      return address.type === 'inet' && error.errno === 'EADDRINUSE'
        ? 'Failed to find an available port'
        : 'Failed to bind socket'
    }
    // The path itself could not be freed, or nothing can be made there.
    return error.errno === 'EISDIR' || error.errno === 'EPERM'
      ? `Failed to unlink socket ${address.path}`
      : `Failed to bind socket to ${address.path}`
  }
  // QEMU may add the text of an errno from long ago.
  if (error.errno === 'ERANGE') return new BlockError('Failed to create a socket')
  return (
    familyFailure(address, 'Failed to create socket', error) ??
    resolutionFailure(address, error) ??
    BlockError.prepend(context(), error)
  )
}

/** A system that knows nothing of vsock says so before there is a socket. */
function familyFailure(
  address: SocketAddress,
  context: string,
  error: BlockError,
): BlockError | undefined {
  const isUnknown = address.type === 'vsock' && error.errno === 'EAFNOSUPPORT'
  return isUnknown ? BlockError.prepend(context, error) : undefined
}

function resolutionFailure(address: SocketAddress, error: BlockError): BlockError | undefined {
  return address.type === 'inet' && error.errno === 'ENXIO'
    ? unresolved(address, error.message)
    : undefined
}

function unresolved(address: SocketAddress, why: string): BlockError {
  return new BlockError(`address resolution failed for ${addressText(address)}: ${why}`, {
    errno: 'ENXIO',
  })
}
