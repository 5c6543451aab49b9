/**
 * What host names and addresses mean on the simulated machine: it has the loopback interface and
 * nothing else, and what its look-ups answer is what the C library answers there.
 */
import { BlockError, ioError } from '../../util/errors.ts'
import type { SocketAddress } from '../host.ts'

type InetAddress = SocketAddress & { readonly type: 'inet' }
type Family = 4 | 6

/** One address of the protocol in its shortest form. */
interface Ip {
  readonly family: Family
  readonly ip: string
}

const ANY = { 4: '0.0.0.0', 6: '::' } as const

/** The addresses to listen at; an address of every interface stands for itself. */
export function ownAddresses(
  { host, family }: InetAddress,
  localhost: readonly string[],
): readonly string[] {
  if (host === '') return family === undefined ? [ANY[6], ANY[4]] : [ANY[family]]
  const found = lookUp(host, family, localhost)
  const [first] = found
  // One socket takes both versions unless only one is asked for.
  if (first?.ip === ANY[6] && family === undefined) return [ANY[6], ANY[4]]
  for (const { ip, family: own } of found) {
    if (ip !== ANY[own] && !isLocal(ip)) throw ioError('EADDRNOTAVAIL')
  }
  return found.map(({ ip }) => ip)
}

/** The addresses to try to connect to. */
export function peerAddresses(
  { host, family }: InetAddress,
  localhost: readonly string[],
): readonly string[] {
  if (host === '') throw unknownName()
  // Who asks for addresses of version 6 gets those of version 4 mapped.
  const found = lookUp(host, family === 6 && !host.includes(':') ? undefined : family, localhost)
  if (found.every(({ ip, family: own }) => ip !== ANY[own] && !isLocal(ip))) {
    throw ioError('ENETUNREACH')
  }
  return found.map(({ ip, family: own }) => (ip === ANY[own] ? LOOPBACK[own] : ip))
}

const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const

/** @throws {BlockError} `ENXIO` with the C library's words where nothing is found. */
function lookUp(
  host: string,
  family: Family | undefined,
  localhost: readonly string[],
): readonly Ip[] {
  const written = parseIp(host)
  if (written !== undefined) {
    if (family !== undefined && family !== written.family) {
      throw new BlockError('Address family for hostname not supported', { errno: 'ENXIO' })
    }
    return [written]
  }
  const found = (host === 'localhost' ? localhost : [])
    .map(parseIp)
    .filter((ip) => ip !== undefined)
    .filter((ip) => family === undefined || ip.family === family)
  if (found.length === 0) throw unknownName()
  return found
}

function unknownName(): BlockError {
  return new BlockError('Name or service not known', { errno: 'ENXIO' })
}

/** Numbers may be fewer than four: the last one fills what is left. */
function parseIp(text: string): Ip | undefined {
  if (text.includes(':')) return { family: 6, ip: text }
  if (!/^[0-9]+(\.[0-9]+){0,3}$/.test(text)) return undefined
  const numbers = text.split('.').map(Number)
  const rest = numbers.pop() ?? 0
  const places = 4 - numbers.length
  if (numbers.some((number) => number > 255) || rest >= 256 ** places) return undefined
  const low = Array.from(
    { length: places },
    (_, at) => Math.floor(rest / 256 ** (places - 1 - at)) % 256,
  )
  return { family: 4, ip: [...numbers, ...low].join('.') }
}

function isLocal(ip: string): boolean {
  return ip === LOOPBACK[6] || ip.startsWith('127.')
}

/** Whether two listeners want the same, or one of them what the other has on one interface. */
export function overlap(one: string, other: string): boolean {
  if (one.includes(':') !== other.includes(':')) return false
  return one === other || isAny(one) || isAny(other)
}

function isAny(ip: string): boolean {
  return ip === ANY[4] || ip === ANY[6]
}
