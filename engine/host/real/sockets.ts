/** Unix and TCP sockets of the machine. */
import * as fs from 'node:fs'
import * as net from 'node:net'
import type { Listener, SocketAddress, Sockets } from '../host.ts'
import { calling, systemFailure } from './failure.ts'
import { byteStream } from './streams.ts'

export function createRealSockets(): Sockets {
  return {
    connect: (address) =>
      new Promise((resolve, reject) => {
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
        if (address.type === 'unix') removeOld(address.path)
        const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
          accept(byteStream(socket, socket))
        })
        const fail = (error: Error): void => {
          reject(systemFailure(error))
        }
        server.once('error', fail)
        server.listen(netOptions(address), () => {
          server.off('error', fail)
          resolve(listenerOf(server, address))
        })
      }),
  }
}

function netOptions(address: SocketAddress): { path: string } | { host: string; port: number } {
  return address.type === 'unix'
    ? { path: address.path }
    : { host: address.host, port: address.port }
}

/** As the real daemon does: whatever lies at the path makes way. */
function removeOld(path: string): void {
  calling(() => {
    fs.rmSync(path, { force: true })
  })
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
