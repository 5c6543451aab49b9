/** Unix and TCP sockets of the machine. */
import * as fs from 'node:fs'
import * as net from 'node:net'
import { dirname } from 'node:path'
import { BlockError, ioError } from '../../util/errors.ts'
import type { Listener, SocketAddress, Sockets } from '../host.ts'
import { systemFailure } from './failure.ts'
import { byteStream } from './streams.ts'

export function createRealSockets(): Sockets {
  return {
    connect: (address) =>
      new Promise((resolve, reject) => {
        // Nothing listens at a socket without a name, which the platform would not even try.
        if (address.type === 'unix' && address.path === '') throw ioError('ECONNREFUSED')
        if (address.type === 'inet' && address.host === '') {
          throw new BlockError('Name or service not known', { errno: 'ENXIO' })
        }
        const socket = net.connect({ ...netOptions(address), noDelay: true, allowHalfOpen: true })
        const fail = (error: Error): void => {
          reject(systemFailure(error))
        }
        socket.once('error', fail)
        socket.once('connect', () => {
          socket.off('error', fail)
          resolve(byteStream(socket, socket))
        })
      }),

    listen: (address, accept) =>
      new Promise((resolve, reject) => {
        if (address.type === 'unix' && address.abstract === undefined) removeOld(address.path)
        const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
          accept(byteStream(socket, socket))
        })
        const fail = (error: Error): void => {
          reject(listenFailure(address, error))
        }
        server.once('error', fail)
        server.listen(netOptions(address), () => {
          server.off('error', fail)
          resolve(listenerOf(server, address))
        })
      }),
  }
}

/** The platform reports a missing directory as a forbidden one. */
function listenFailure(address: SocketAddress, error: Error): Error {
  const failure = systemFailure(error)
  const missing = address.type === 'unix' && !fs.existsSync(dirname(address.path))
  return missing ? ioError('ENOENT') : failure
}

function netOptions(
  address: SocketAddress,
): { path: string } | { host: string; port: number; family?: 4 | 6; keepAlive?: boolean } {
  if (address.type === 'unix') return { path: unixPath(address) }
  const { host, port, family, keepAlive } = address
  if (family !== undefined && net.isIP(host) !== 0 && net.isIP(host) !== family) {
    throw new BlockError('Address family for hostname not supported', { errno: 'ENXIO' })
  }
  return {
    host,
    port,
    ...(family === undefined ? {} : { family }),
    ...(keepAlive === undefined ? {} : { keepAlive }),
  }
}

/** Names outside the file system begin with a zero byte; loose ones fill the system's structure. */
function unixPath({ path, abstract }: SocketAddress & { readonly type: 'unix' }): string {
  if (abstract === undefined) return path
  const name = `\0${path}`
  return abstract === 'tight' ? name : name.padEnd(UNIX_NAME_BYTES, '\0')
}

const UNIX_NAME_BYTES = 108

/** As the real daemon does: whatever lies at the path makes way. */
function removeOld(path: string): void {
  try {
    fs.unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw systemFailure(error)
  }
}

function listenerOf(server: net.Server, wanted: SocketAddress): Listener {
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return {
    address: wanted.type === 'inet' ? { ...wanted, port } : wanted,
    close: () => {
      server.close()
    },
  }
}
