/** Ports of addresses, looked up and tried alike on every host. */
import { BlockError, ioError } from '../util/errors.ts'
import type { SocketAddress } from './host.ts'

/** The system's words for a service that it does not know. */
export const UNKNOWN_SERVICE = 'Servname not supported for ai_socktype'

type InetAddress = SocketAddress & { readonly type: 'inet' }

/** The port of an address whose service, if it names one, `find` knows. */
export function portOf(
  address: InetAddress,
  find: (service: string) => number | undefined,
): number {
  const { service, port } = address
  const found = service === undefined ? port : find(service)
  if (found === undefined) throw new BlockError(UNKNOWN_SERVICE, { errno: 'ENXIO' })
  return found
}

/** Listens on the first port from `first` to `last` that nobody else has. */
export async function onFreePort<T>(
  first: number,
  last: number,
  listen: (port: number) => Promise<T>,
): Promise<T> {
  if (last < first) throw ioError('ERANGE')
  for (let port = first; ; port++) {
    try {
      return await listen(port)
    } catch (error) {
      const taken = error instanceof BlockError && error.errno === 'EADDRINUSE'
      if (!taken || port >= last) throw error
    }
  }
}
