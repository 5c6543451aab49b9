/** Sockets of the machine; those that Node knows are made here. */
import { randomBytes } from 'node:crypto'
import { ADDRCONFIG, V4MAPPED } from 'node:dns'
import { lookup } from 'node:dns/promises'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BlockError, ioError } from '../../util/errors.ts'
import type { ByteStream, Listener, SocketAddress, Sockets } from '../host.ts'
import { onFreePort, portOf } from '../ports.ts'
import { systemFailure } from './failure.ts'
import { servicePort } from './services.ts'
import { byteStream } from './streams.ts'
import { connectOwn, isOwnAddress, listenOwn } from './own-sockets.ts'

type NodeAddress = Exclude<SocketAddress, { readonly type: 'vsock' }>

export function createRealSockets(): Sockets {
  return {
    connect: (address) => {
      if (isOwnAddress(address)) return connectOwn(address)
      return new Promise((resolve, reject) => {
        // Nothing listens at a socket without a name, which the platform would not even try.
        if (address.type === 'unix' && address.path === '') throw ioError('ECONNREFUSED')
        const socket = net.connect({ ...peerOf(address), noDelay: true, allowHalfOpen: true })
        const fail = (error: Error): void => {
          reject(systemFailure(error))
        }
        socket.once('error', fail)
        socket.once('connect', () => {
          socket.off('error', fail)
          resolve(byteStream(socket, socket))
        })
      })
    },

    listen: async (address, accept) => {
      if (isOwnAddress(address)) return listenOwn(address, accept)
      if (address.type === 'unix') return listenAt(named(address), accept)
      const port = portOf(address, servicePort)
      const host = await ownAddress(address)
      return onFreePort(port, address.lastPort ?? port, (free) =>
        listenAt({ ...address, port: free }, accept, host),
      )
    },
  }
}

/** @param ip - The address of this machine that a name stands for. */
function listenAt(
  address: NodeAddress,
  accept: (stream: ByteStream) => void,
  ip?: string,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    if (address.type === 'unix' && address.abstract === undefined) removeOld(address.path)
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      accept(byteStream(socket, socket))
    })
    const fail = (error: Error): void => {
      reject(listenFailure(address, error))
    }
    server.once('error', fail)
    const where =
      address.type === 'unix'
        ? { path: unixPath(address) }
        : {
            port: address.port,
            ...(ip === undefined ? {} : { host: ip }),
            // A socket of version 6 takes both unless only the one is asked for.
            ipv6Only: address.family === 6,
          }
    server.listen(where, () => {
      server.off('error', fail)
      resolve(listenerOf(server, address))
    })
  })
}

/** A socket without a path gets one of its own. */
function named(address: NodeAddress & { readonly type: 'unix' }): NodeAddress {
  if (address.path !== '' || address.abstract !== undefined) return address
  return { ...address, path: join(tmpdir(), `qemu-socket-${randomBytes(3).toString('hex')}`) }
}

type InetAddress = SocketAddress & { readonly type: 'inet' }

/** The address to listen at; absent for all of the machine's. */
async function ownAddress({ host, family }: InetAddress): Promise<string | undefined> {
  if (host === '') return family === undefined ? undefined : family === 4 ? '0.0.0.0' : '::'
  checkFamily(host, family)
  // Forms such as 127.1 are addresses too, which only the lookup tells.
  if (family === 6 && /^[0-9.]+$/.test(host)) throw wrongFamily()
  try {
    return (await lookup(host, family === undefined ? {} : { family })).address
  } catch (error) {
    throw systemFailure(error)
  }
}

/** The platform reports a missing directory as a forbidden one. */
function listenFailure(address: SocketAddress, error: Error): Error {
  const failure = systemFailure(error)
  const missing = address.type === 'unix' && !fs.existsSync(dirname(address.path))
  return missing ? ioError('ENOENT') : failure
}

/** Where to connect to. Who asks for addresses of version 6 gets those of version 4 mapped. */
function peerOf(address: NodeAddress): net.NetConnectOpts {
  if (address.type === 'unix') return { path: unixPath(address) }
  const { host, family, keepAlive } = address
  const port = portOf(address, servicePort)
  if (host === '') throw new BlockError('Name or service not known', { errno: 'ENXIO' })
  if (family === 4) checkFamily(host, family)
  return {
    host,
    port,
    ...(family === undefined ? {} : { family, hints: V4MAPPED | ADDRCONFIG }),
    ...(keepAlive === undefined ? {} : { keepAlive }),
  }
}

function checkFamily(host: string, family: 4 | 6 | undefined): void {
  const own = net.isIP(host)
  // One of version 4 may be written as one of version 6, and is both.
  if (own === 6 && /^::ffff:[0-9.]+$/i.test(host)) return
  if (family !== undefined && own !== 0 && own !== family) throw wrongFamily()
}

function wrongFamily(): BlockError {
  return new BlockError('Address family for hostname not supported', { errno: 'ENXIO' })
}

/** Names outside the file system begin with a zero byte; loose ones fill the system's structure. */
function unixPath({ path, abstract }: SocketAddress & { readonly type: 'unix' }): string {
  return abstract === undefined ? path : `\0${path}`.padEnd(UNIX_NAME_BYTES, '\0')
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
